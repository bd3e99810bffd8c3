"""Text of files in the encodings that spreadsheets and editors write."""

import codecs

from ..particles._warnings import warn_caller

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    # The mark of UTF-32 begins by that of UTF-16.
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NO_TEXT = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "compressed by gzip",
    b"BZh": "compressed by bzip2",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89HDF": "an HDF5 file",
}


def read_text(path):
    """Return the text of a file; a ValueError does not name the file."""
    data = path.read_bytes()
    for start, kind in _NO_TEXT.items():
        if data.startswith(start):
            raise ValueError(
                f"it is {kind}, expected text; unpack it or export it as text"
            )
    text = _decode(data, path)
    if "\0" in text:
        raise ValueError(
            "it has NUL characters, expected text; save it as UTF-8 if it is UTF-16"
        )
    if text.lstrip()[:1] == "<":
        raise ValueError(
            "it is HTML or XML, expected a file of plain text; export it as such, or "
            "download the file and not the page that shows it"
        )
    return text


def _decode(data, path):
    """Decode text by its mark, else as UTF-8, else as cp1252 with a warning."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise ValueError(f"it is damaged {encoding.upper()}") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise ValueError(
            "it is text in neither UTF-8 nor cp1252; save it as UTF-8"
        ) from error
    if b"\0" not in data:
        shown = text.split("\n")[line - 1].strip()[:60]
        warn_caller(
            f"{str(path)!r} is not UTF-8. It is read as cp1252, in which line {line} "
            f"is {shown!r}; if that is wrong, save the file as UTF-8."
        )
    return text
