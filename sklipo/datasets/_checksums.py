"""Checksums inside of files whose formats have none, where other programs skip them.

What another program saves anew loses its checksum, and is read unchecked.
"""

import os
from zlib import crc32

_MARK = b"sklipo crc32"
_SEAL_SIZE = len(_MARK) + 4
# A Parquet file ends with its footer, the footer's length and a magic number.
_TAIL_SIZE = 8


def seal(data):
    """Return the bytes of a file with their checksum at the end."""
    return data + _make_seal(data)


def check_seal(file):
    """Raise an error if the bytes of an open file differ from their checksum, if any.

    The file is then at its beginning.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _SEAL_SIZE))
    is_sealed = file.read(len(_MARK)) == _MARK
    file.seek(0)
    if is_sealed:
        data = file.read()
        _check(data[-_SEAL_SIZE:], data[:-_SEAL_SIZE])
        file.seek(0)


def seal_footer(path):
    """Put the checksum of a Parquet file's footer before it.

    Pages have checksums of their own. Readers find pages by their place and the footer
    from the end, so that none looks between the two.
    """
    with open(path, "r+b") as file:
        start, footer = _read_footer(file)
        file.seek(start)
        file.write(_make_seal(footer) + footer)


def check_footer(path):
    """Raise an error if a Parquet file's footer differs from its checksum, if any."""
    with open(path, "rb") as file:
        start, footer = _read_footer(file)
        file.seek(max(0, start - _SEAL_SIZE))
        _check(file.read(_SEAL_SIZE), footer)


def _read_footer(file):
    """Return where the footer of a Parquet file begins, and its bytes with the tail."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL_SIZE))
    length = int.from_bytes(file.read(4), "little")
    start = max(0, size - _TAIL_SIZE - length)
    file.seek(start)
    return start, file.read()


def _make_seal(data):
    """Return the checksum of bytes, with a mark to find it by."""
    return _MARK + crc32(data).to_bytes(4, "little")


def _check(found, data):
    """Raise an error if a seal is none of this data; what is no seal is accepted."""
    if found.startswith(_MARK) and found != _make_seal(data):
        raise ValueError("damaged: its bytes differ from their checksum")
