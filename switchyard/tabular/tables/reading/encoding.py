"""`to_utf8`: text bytes in UTF-8, whatever they came in, and a note where that was a guess."""

from __future__ import annotations

import codecs
import re

from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean

# UTF-32's little-endian mark begins with UTF-16's, so it comes first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_SAMPLE = 1 << 16
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


def to_utf8(content: bytes, encoding: str | None, label: str) -> tuple[bytes, tuple[str, ...]]:
    """`content` as UTF-8 without a byte order mark.

    Parameters
    ----------
    content : bytes
        Text in any encoding.
    encoding : str or None
        `data.encoding`. When absent: what the byte order mark says, else UTF-8, else Windows-1252 with a note.
    label : str
        The source, for messages.

    Raises
    ------
    InputError
        When it is binary, or not in that encoding; with the line of the first wrong byte.
    """
    if encoding is not None:
        return _from(content, _known(encoding), label), ()
    for mark, name in _MARKS:
        if content.startswith(mark):
            return (content[len(mark) :] if name == "utf-8-sig" and _is_utf8(content) else _from(content, name, label)), ()
    _refuse_binary(content, label)
    if _is_utf8(content):
        return content, ()
    where = _first_wrong(content, "utf-8")
    try:
        text = content.decode("windows-1252")
    except UnicodeDecodeError as error:
        raise InputError(f"{label} is neither UTF-8 nor Windows-1252: {_byte(content, error.start)}; set data.encoding") from None
    note = f"read as Windows-1252, since {_byte(content, where)} is not UTF-8; set data.encoding if letters look wrong"
    return text.encode(), (note,)


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise InputError(f"data.encoding: {encoding!r} is no known encoding{did_you_mean(encoding, _COMMON)}") from None


def _from(content: bytes, encoding: str, label: str) -> bytes:
    try:
        return content.decode(encoding).removeprefix("\ufeff").encode()
    except UnicodeDecodeError as error:
        place = f"byte {error.start} (line {_line(content, error.start)})"
        raise InputError(f"{label} is not {encoding}: {error.reason} at {place}; correct or leave out data.encoding") from None
    except (UnicodeEncodeError, LookupError):
        raise InputError(f"{label} cannot be read as {encoding}; correct or leave out data.encoding") from None


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _first_wrong(content: bytes, encoding: str) -> int:
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _byte(content: bytes, position: int) -> str:
    return f"byte 0x{content[position]:02x} on line {_line(content, position)}"


def _line(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _refuse_binary(content: bytes, label: str) -> None:
    sample = content[:_SAMPLE]
    if len(_CONTROL.findall(sample)) > len(sample) // 100:
        way_out = "export it as CSV or Parquet (UTF-16 without a mark: set data.encoding)"
        raise InputError(f"{label} is not text, CSV or Parquet but binary; {way_out}")
    if (position := content.find(b"\0")) >= 0:
        raise InputError(f"{label} holds a zero byte on line {_line(content, position)}: it is damaged or binary; export it again")
