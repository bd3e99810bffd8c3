"""A page put together: its scripts, what they take from npm, the graph and the data."""

import gzip
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import PurePosixPath

import numpy as np

from .contents import embed

# More takes six times as long for half a percent.
_LEVEL = 6
# Bytes of a float.
_FLOAT = 4
_FILES = files(__package__)
# The scripts import each other, which the modules of a local file can't. So the page
# has them in one, each in a function of its own after those that it imports.
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./([\w/]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|const) (\w+)", re.MULTILINE)
# What would end a script, or begin a comment of HTML in it.
_ENDING = re.compile(r"<(?=/script|script|!--)", re.IGNORECASE)
# Scripts are known by their hashes. A module of WebAssembly is no script of a text, and
# the worker is made of texts of this page.
_POLICY = (
    "default-src 'none'; script-src {script} 'wasm-unsafe-eval'; worker-src blob:; "
    "style-src {style}; img-src data: blob:; base-uri 'none'; form-action 'none'"
)


def assemble(contents, graph):
    """Return the page; ``contents`` is what its scripts know, ``graph`` bytes."""
    style, script = _read("page.css"), join_scripts("view/main.js")
    blocks = {
        "contents": ("application/json", embed(contents)),
        "libraries": (
            "text/plain",
            _ENDING.sub(r"\\x3c", _read("libraries", "libraries.js")),
        ),
        "worker": ("text/plain", join_scripts("worker/main.js")),
        "wasm": ("text/plain", _encode(_bytes("libraries", "onnxruntime.wasm.gz"))),
        "graph": ("text/plain", _encode(_compress(graph))),
        "licenses-text": ("text/plain", _read("libraries", "licenses.txt")),
        "notices-text": ("text/plain", _encode(_bytes("libraries", "notices.txt.gz"))),
    }
    data = "\n".join(
        f'<script type="{kind}" id="{name}">{text}</script>'
        for name, (kind, text) in blocks.items()
    )
    policy = _POLICY.format(script=_hash(script), style=_hash(style))
    values = {
        "policy": policy,
        "title": escape(contents["title"]),
        "version": escape(contents["version"]),
        "style": style,
        "data": f'{data}\n<script type="module">{script}</script>',
    }
    # All at once: the values may hold braces themselves.
    return re.sub(
        r"\{(policy|title|version|style|data)\}",
        lambda match: values[match[1]],
        _read("page.html"),
    )


def join_scripts(path):
    """Return a script of the page with all that it imports, as one script."""
    scripts = {}
    _collect(PurePosixPath(path), scripts)
    script = "\n".join(['"use strict";', "const modules = {};", *scripts.values()])
    if _ENDING.search(script):
        raise ValueError(f"{path}: a script of the page holds a tag of a script.")
    return script


def _collect(path, scripts):
    """Add a script after those that it imports, each once."""
    text = _read(*path.parts)
    for _, name in _IMPORT.findall(text):
        if path.parent / name not in scripts:
            _collect(path.parent / name, scripts)
    names = ", ".join(name for _, name in _EXPORT.findall(text))
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(r'const \1 = modules["\2"];', text))
    scripts[path] = (
        f'modules["{path.name}"] = (() => {{\n{body}return {{ {names} }};\n}})();'
    )


def _compress(graph):
    """Return a graph compressed, the first bytes of all numbers first, and so on.

    Of the floats of weights, signs and exponents are alike, and digits are not.
    """
    end = len(graph) // _FLOAT * _FLOAT
    planes = np.frombuffer(graph[:end], np.uint8).reshape(-1, _FLOAT).T
    return gzip.compress(planes.tobytes() + graph[end:], _LEVEL, mtime=0)


def _hash(text):
    """Return what a policy calls a script or style."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _encode(data):
    """Return bytes as text."""
    return b64encode(data).decode()


def _read(*path):
    """Return a text of the page."""
    return _bytes(*path).decode()


def _bytes(*path):
    """Return the content of a file of the page."""
    return _FILES.joinpath(*path).read_bytes()
