"""`text_of`: text as UTF-8, whatever it came in, and a note where that was a guess."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tables.reading.packing import ByteStream

# UTF-32's little-endian mark begins with UTF-16's, so it comes first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
"""Bytes that Windows-1252 has no letter for."""
_SAMPLE = 1 << 16
_BLOCK = 1 << 20
_COMMON = (
    "utf-8",
    "utf-16",
    "utf-16-le",
    "windows-1252",
    "latin-1",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "shift_jis",
    "gb18030",
)


@dataclass(frozen=True)
class Text:
    """The text in a file of any size, found to be text from its first byte to its last."""

    open: Callable[[], AbstractContextManager[BinaryIO]]
    """Its bytes in UTF-8, without a byte order mark; every call begins anew."""
    quotes: int
    """How many double quotes there are."""
    lines: int
    """Line ends, but for those at its very end."""
    notes: tuple[str, ...] = ()

    def start(self, size: int) -> bytes:
        """At most the first `size` bytes in UTF-8."""
        with self.open() as stream:
            return stream.read(size)


def text_of(
    opened: Callable[[], AbstractContextManager[ByteStream]], encoding: str | None, label: str, on_size: Callable[[int], None]
) -> Text:
    """Go once through the text that `opened` gives, whatever its encoding.

    Parameters
    ----------
    opened : callable
        Opens the bytes, unpacked.
    encoding : str or None
        `data.encoding`. When absent: what the byte order mark says, else UTF-8, else Windows-1252 with a note.
    label : str
        The source, for messages.
    on_size : callable
        Told how many bytes there were so far; may stop by an error.

    Raises
    ------
    InputError
        When it is empty, binary, or not in that encoding; with the line of the first wrong byte.
    """
    survey = _Survey(on_size)
    notes: tuple[str, ...] = ()
    if encoding is None:
        with opened() as stream:
            start = stream.read(4)
        found = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    else:
        found = _known(encoding)
    if found is None:
        found, notes = _unmarked(opened, label, survey)
        recoded = _recoded(opened, found, label)
    else:
        recoded = _recoded(opened, found, label)
        with recoded() as stream:
            while block := stream.read(_BLOCK):
                survey.add(block)
    if not survey.holds:
        raise InputError(f"{label} is empty")
    return Text(recoded, survey.quotes, survey.lines, notes)


class _Survey:
    """What is counted in text while it goes by."""

    def __init__(self, on_size: Callable[[int], None]) -> None:
        self.size = self.quotes = self.lines = self.ends = 0
        self.holds = False
        self._on_size = on_size

    def add(self, block: bytes) -> None:
        self.size += len(block)
        self._on_size(self.size)
        self.holds = self.holds or bool(block.strip())
        self.quotes += block.count(b'"')
        if text := block.rstrip(b"\n"):
            self.lines = self.ends + text.count(b"\n")
        self.ends += block.count(b"\n")


def _unmarked(opened: Callable[[], AbstractContextManager[ByteStream]], label: str, survey: _Survey) -> tuple[str, tuple[str, ...]]:
    """The encoding of text that does not say its own, and a note where that is a guess."""
    decoder, wrong, undefined = codecs.getincrementaldecoder("utf-8")(), "", ""
    with opened() as stream:
        while block := stream.read(_BLOCK):
            if not survey.size:
                _refuse_binary(block[:_SAMPLE], label)
            if (position := block.find(b"\0")) >= 0:
                line = _line(block, position, survey.ends)
                raise InputError(f"{label} holds a zero byte on line {line}: it is damaged or binary; export it again")
            if not block.isascii():
                wrong = wrong or _wrong(decoder, block, survey.ends)
                if not undefined and (match := _UNDEFINED.search(block)):
                    undefined = _byte(block, match.start(), survey.ends)
            elif not wrong and decoder.getstate()[0]:
                wrong = _wrong(decoder, block, survey.ends)
            survey.add(block)
    wrong = wrong or _wrong(decoder, b"", survey.ends, final=True)
    if not wrong:
        return "utf-8", ()
    if undefined:
        raise InputError(f"{label} is neither UTF-8 nor Windows-1252: {undefined}; set data.encoding")
    return "windows-1252", (f"read as Windows-1252, since {wrong} is not UTF-8; set data.encoding if letters look wrong",)


def _wrong(decoder: codecs.IncrementalDecoder, block: bytes, lines: int, final: bool = False) -> str:
    """The first byte that is not UTF-8, and its line; nothing where all are."""
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        return _byte(error.object, error.start, lines)
    return ""


class _Recoder(io.RawIOBase):
    """Text in some encoding as UTF-8 without a byte order mark."""

    def __init__(self, source: ByteStream, encoding: str, label: str) -> None:
        self._source, self._encoding, self._label = source, encoding, label
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
        self._ready, self._ended, self._begun = memoryview(b""), False, False
        self._size = self._lines = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and not self._ended:
            block = self._source.read(_BLOCK)
            self._ended = not block
            self._ready = memoryview(self._utf8(block))
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _utf8(self, block: bytes) -> bytes:
        if self._decoder is None:
            return block
        pending = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(block, final=not block)
            self._size, self._lines = self._size + len(block), self._lines + block.count(b"\n")
            begun, self._begun = self._begun, self._begun or bool(text)
            return (text if begun else text.removeprefix("\ufeff")).encode()
        except UnicodeDecodeError as error:
            place = f"byte {self._size - pending + error.start} (line {_line(error.object, error.start, self._lines)})"
            what = f"{self._label} is not {self._encoding}: {error.reason} at {place}"
        except UnicodeEncodeError:
            what = f"{self._label} cannot be read as {self._encoding}"
        raise InputError(f"{what}; correct or leave out data.encoding") from None


def _recoded(
    opened: Callable[[], AbstractContextManager[ByteStream]], encoding: str, label: str
) -> Callable[[], AbstractContextManager[BinaryIO]]:
    @contextmanager
    def open_recoded() -> Iterator[BinaryIO]:
        with opened() as stream:
            yield io.BufferedReader(_Recoder(stream, encoding, label), _BLOCK)

    return open_recoded


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        b"".decode(encoding)
    except LookupError:
        raise InputError(f"data.encoding: {encoding!r} is no known encoding{did_you_mean(encoding, _COMMON)}") from None
    # So that a byte order mark, and a fault, are looked for.
    return "utf-8-sig" if name == "utf-8" else name


def _byte(content: bytes, position: int, lines: int) -> str:
    return f"byte 0x{content[position]:02x} on line {_line(content, position, lines)}"


def _line(content: bytes, position: int, lines: int) -> int:
    return lines + content.count(b"\n", 0, position) + 1


def _refuse_binary(sample: bytes, label: str) -> None:
    if len(_CONTROL.findall(sample)) > len(sample) // 100:
        way_out = "export it as CSV or Parquet (UTF-16 without a mark: set data.encoding)"
        raise InputError(f"{label} is not text, CSV or Parquet but binary; {way_out}")
