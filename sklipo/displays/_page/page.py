"""One HTML file of a body, a style, scripts and data, which loads nothing else."""

import json
import posixpath
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files

from ... import __version__

_PACKAGE = files(__package__.partition(".")[0])
_SHARED = "displays/_page"
# The scripts import each other, which the modules of a local file can't. So the page
# has them in one, each in a function of its own after those that it imports.
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "(\.[./\w]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|const) (\w+)", re.MULTILINE)
# What would end a script, or begin a comment of HTML in it.
_ENDING = re.compile(r"<(?=/script|script|!--)", re.IGNORECASE)
# Scripts are known by their hashes.
_POLICY = {
    "default-src": "'none'",
    "script-src": "{script}",
    "style-src": "{style}",
    "img-src": "data: blob:",
    "base-uri": "'none'",
    "form-action": "'none'",
}


def make_page(folder, title, blocks, policy=None):
    """Return the page of a folder: its body.html, page.css, view/main.js, and data.

    ``blocks`` are types and texts by the id under which scripts find them; ``policy``
    is what they may do beside showing pictures.
    """
    style = read_text(f"{_SHARED}/page.css") + read_text(f"{folder}/page.css")
    script = join_scripts(f"{folder}/view/main.js")
    data = [
        f'<script type="{kind}" id="{name}">{text}</script>'
        for name, (kind, text) in blocks.items()
    ]
    allowed = _POLICY | (policy or {})
    hashes = {"script": _hash(script), "style": _hash(style)}
    values = {
        "policy": "; ".join(map(" ".join, allowed.items())).format(**hashes),
        "title": escape(title),
        "version": escape(__version__),
        "style": style,
        "data": "\n".join([*data, f'<script type="module">{script}</script>']),
    }
    values["body"] = _fill(read_text(f"{folder}/body.html"), values)
    return _fill(read_text(f"{_SHARED}/page.html"), values)


def join_scripts(path):
    """Return a script of the package with all that it imports, as one script."""
    scripts = {}
    _collect(path, scripts)
    script = "\n".join(['"use strict";', "const modules = {};", *scripts.values()])
    if _ENDING.search(script):
        raise ValueError(f"{path}: a script of the page holds a tag of a script.")
    return script


def embed(contents):
    """Return plain values as JSON that nothing in a page takes for a tag."""
    return json.dumps(contents).replace("<", "\\u003c")


def escape_script(script):
    """Return a script, such as others write, that nothing in a page takes for a tag."""
    return _ENDING.sub(r"\\x3c", script)


def encode(data):
    """Return bytes as text."""
    return b64encode(data).decode()


def read_text(path):
    """Return a text of the package."""
    return read_bytes(path).decode()


def read_bytes(path):
    """Return the content of a file of the package."""
    return _PACKAGE.joinpath(*path.split("/")).read_bytes()


def _collect(path, scripts):
    """Add a script after those that it imports, each once."""

    def locate(name):
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))

    text = read_text(path)
    for _, name in _IMPORT.findall(text):
        if locate(name) not in scripts:
            _collect(locate(name), scripts)
    text = _IMPORT.sub(
        lambda found: f'const {found[1]} = modules["{locate(found[2])}"];', text
    )
    names = ", ".join(name for _, name in _EXPORT.findall(text))
    body = _EXPORT.sub(r"\1 \2", text)
    scripts[path] = (
        f'modules["{path}"] = (() => {{\n{body}return {{ {names} }};\n}})();'
    )


def _fill(template, values):
    """Return a template with the values in the place of their names in braces."""
    # All at once: the values may hold braces themselves.
    names = re.compile(rf"\{{({'|'.join(values)})\}}")
    return names.sub(lambda match: values[match[1]], template)


def _hash(text):
    """Return what a policy calls a script or style."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
