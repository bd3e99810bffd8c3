"""Where a page is written, and under which heading."""

from pathlib import Path

from ...datasets._writing import check_place, write_whole


def check_page(path, title):
    """Return the path of a page, or raise an error if it or its heading is none."""
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{str(path)!r}: expected a path ending in .html.")
    check_place(path, overwrite=True)
    check_title(title)
    return path


def check_title(title):
    """Raise an error unless the heading of a page has text."""
    if not title.strip():
        raise ValueError("title is empty; expected a heading for the page.")


def write_page(path, page):
    """Write a page as a whole or not at all."""
    # Half of a pair of surrogates, which names of files may have, has no code.
    data = page.encode(errors="replace")
    write_whole(path, lambda draft: draft.write_bytes(data))
