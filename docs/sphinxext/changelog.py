"""CHANGELOG.md as a part of a page: the little Markdown that it uses, made to reST."""

import re

_UNDERLINES = {2: "=", 3: "-"}


def to_rest(markdown):
    """Return reST for Markdown of headings, lists, code and links.

    Code becomes a link where it is the name of something in the API reference.
    """
    text = re.sub(r"`([^`]+)`", r":py:obj:`\1`", markdown)
    text = re.sub(r"\[([^]]+)\]\(([^)]+)\)", r"`\1 <\2>`__", text)
    return re.sub(r"^(#{2,3}) (.+)$", _underline, text, flags=re.MULTILINE)


def _underline(heading):
    """Return a heading of Markdown as one of reST."""
    level, title = len(heading[1]), heading[2]
    return f"{title}\n{_UNDERLINES[level] * len(title)}"


def _convert(app, path, parent, content):
    """Convert the change log where a page includes it."""
    if path.name == "CHANGELOG.md":
        content[0] = to_rest(content[0])


def setup(app):
    """Let Sphinx call the conversion at each file that a page includes."""
    app.connect("include-read", _convert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
