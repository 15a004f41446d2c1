"""`refuse_foreign`: files that are no tables of ours, by their first bytes: what they are and the way out."""

from __future__ import annotations

from switchyard.tabular.errors import InputError

_KINDS = {
    b"SQLite format 3\0": ("an SQLite database", "give sqlite:///PATH as the source, with a query"),
    b"FEA1": ("a Feather file of version 1", "write it again as version 2, or as Parquet"),
    b"%PDF": ("a PDF document", "ask for the table as CSV"),
    b"\x89HDF": ("an HDF5 file", "write the table as Parquet"),
    b"Obj\x01": ("an Avro file", "write it as Parquet"),
    b"\x93NUMPY": ("a numpy array without column names", "write it as Parquet"),
    b"\x80\x04\x95": ("a Python pickle, which may run code when it is opened", "write the table as Parquet"),
    b"\x80\x05\x95": ("a Python pickle, which may run code when it is opened", "write the table as Parquet"),
    b"<stata_dta>": ("a Stata file", "export it as CSV or Parquet"),
    b"$FL2": ("an SPSS file", "export it as CSV or Parquet"),
    b"ORC": ("an ORC file", "write it as Parquet"),
    b"RDX3\n": ("a file of R objects", "write the table by write.csv"),
    b"RDX2\n": ("a file of R objects", "write the table by write.csv"),
    b"X\n\0\0": ("a file of an R object", "write the table by write.csv"),
    b"7z\xbc\xaf": ("a 7z archive", "unpack it, or pack the table by gzip"),
    b"Rar!": ("a RAR archive", "unpack it, or pack the table by gzip"),
    b"version https://git-lfs": ("a Git LFS pointer, not the data", "run git lfs pull"),
}
_PAGES = (b"<!doctype", b"<html", b"<?xml", b"<table")
_SAS = b"\xc2\xea\x81\x60"


def refuse_foreign(start: bytes, label: str) -> None:
    """Raise an `InputError` where a file that begins with `start` is of a kind that is not read.

    Parameters
    ----------
    start : bytes
        The first 512, unpacked.
    label : str
        The source.
    """
    for magic, (what, way_out) in _KINDS.items():
        if start.startswith(magic):
            raise InputError(f"{label} is {what}; {way_out}")
    if start[257:262] == b"ustar":
        raise InputError(f"{label} is a tar archive; unpack it and name a file in it")
    if start[8:12] == b"DUCK":
        raise InputError(f"{label} is a DuckDB database; write the table as Parquet: COPY (SELECT ...) TO 'FILE.parquet'")
    if start[12:16] == _SAS:
        raise InputError(f"{label} is a SAS file; export it as CSV or Parquet")
    if start[:1] in (b"\x71", b"\x72", b"\x73") and start[1:4] in (b"\x01\x01\x00", b"\x02\x01\x00"):
        raise InputError(f"{label} is a Stata file; export it as CSV or Parquet")
    if start.lstrip().lower().startswith(_PAGES):
        raise InputError(f"{label} is a web page or XML, not a table; a login page comes when a link needs one")
