"""One at a time over threads and processes, and who comes meanwhile is refused at once."""

import multiprocessing
import threading

import pytest

from switchyard.serving.errors import Refusal
from switchyard.serving.turns import Turns


def refused(turns):
    try:
        with turns.take():
            return False
    except Refusal as refusal:
        assert (refusal.status, refusal.reason) == (429, "BUSY")
        return True


def test_a_turn_is_refused_to_other_threads_and_processes_and_free_afterwards():
    turns, found = Turns(), []
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()

    def ask():
        found.append(refused(turns))
        process = fork.Process(target=lambda: answers.put(refused(turns)))
        process.start()
        found.append(answers.get(timeout=10))
        process.join()

    with turns.take():
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    ask()
    assert found == [True, True, False, False]


def test_a_turn_is_given_back_when_it_fails():
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.take():
        raise ZeroDivisionError
    assert not refused(turns)
