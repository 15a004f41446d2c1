"""Frames: what is whole is found, wherever the file is torn."""

import pytest

from switchyard.predictionlog.frames import HEADER, frame, scan


def test_whole_frames_come_back():
    payloads = [b"one", b"", b"three" * 100]
    data = b"".join(map(frame, payloads))

    found = scan(data, final=True)

    assert found.payloads == payloads
    assert found.ends[-1] == found.consumed == len(data)
    assert found.torn == 0


@pytest.mark.parametrize("cut", range(1, HEADER.size + 3))
def test_torn_tail_waits_while_the_writer_lives_and_is_passed_over_when_it_is_dead(cut):
    first, torn = frame(b"one"), frame(b"two")[:cut]

    living, dead = scan(first + torn, final=False), scan(first + torn, final=True)

    assert living.payloads == dead.payloads == [b"one"]
    assert (living.consumed, living.torn) == (len(first), 0)
    assert (dead.consumed, dead.torn) == (len(first) + cut, cut)


@pytest.mark.parametrize("final", [True, False])
def test_what_follows_a_torn_frame_is_found(final):
    torn = frame(b"x" * 100)[:50]
    data = torn + frame(b"after") * 20

    found = scan(data, final)

    assert found.payloads == [b"after"] * 20
    assert found.torn == len(torn)


def test_a_changed_byte_loses_one_record_alone():
    data = bytearray(frame(b"one") + frame(b"two") + frame(b"three"))
    data[len(frame(b"one")) + HEADER.size] ^= 1

    assert scan(bytes(data), final=True).payloads == [b"one", b"three"]


def test_a_mark_cut_by_the_end_of_what_was_read_is_not_passed_over():
    data = b"garbage" + frame(b"one")[:2]

    found = scan(data, final=False)

    assert scan(data[found.consumed :] + frame(b"one")[2:], final=False).payloads == [b"one"]


def test_too_large_a_record_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        frame(b"x" * (64 * 1024 * 1024 + 1))
