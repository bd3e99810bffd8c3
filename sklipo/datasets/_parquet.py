"""Parquet files with checksums: all that sklipo writes, and all that it reads."""

from functools import partial

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ._checksums import check_footer, seal_footer
from ._writing import write_whole

_CHECKED = {"page_checksum_verification": True}


def write_parquet(table, path, row_group_size=None, schema=None):
    """Write a table as a whole, with a checksum for each page and for the footer.

    The arrow schema, if any, says the types of columns, whatever the rows hold.
    """
    write_whole(path, partial(_write, table, row_group_size, schema))


def read_parquet(path, columns=None):
    """Read a file; a damaged one is a ValueError, which does not name the file."""
    options = {"engine": "pyarrow", "columns": columns, **_CHECKED}
    return _read(path, partial(pd.read_parquet, **options))


def read_row_group(path, number):
    """Read one row group of a file; 0 of a file that has none is no rows."""

    def read(path):
        with pq.ParquetFile(path, **_CHECKED) as file:
            if not file.num_row_groups:
                return file.schema_arrow.empty_table().to_pandas()
            return file.read_row_group(number).to_pandas()

    return _read(path, read)


def read_outline(path):
    """Return the table of a file without its rows, and the number of row groups."""

    def read(path):
        with pq.ParquetFile(path) as file:
            return file.schema_arrow.empty_table().to_pandas(), file.num_row_groups

    return _read(path, read)


def _write(table, row_group_size, schema, path):
    """Write a table; what has no place in Parquet is a ValueError."""
    try:
        table.to_parquet(
            path,
            engine="pyarrow",
            row_group_size=row_group_size,
            schema=schema,
            write_page_checksum=True,
        )
    except (OSError, MemoryError):
        raise
    except Exception as error:
        # Those of pyarrow are of many kinds, and name the column in a second argument.
        in_parts = isinstance(error, pa.ArrowException)
        reason = " ".join(map(str, error.args)) if in_parts else str(error)
        raise ValueError(
            f"The table can't be saved as Parquet: {reason}; give each column a "
            "name of its own and one type of values, such as table[name].astype(str)."
        ) from error
    seal_footer(path)


def _read(path, read):
    """Read a file of which the footer is as it was written."""
    check_footer(path)
    try:
        return read(path)
    except MemoryError:
        raise
    # A damaged file can raise anything.
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"damaged or no Parquet file: {error}") from error
