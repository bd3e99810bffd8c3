"""The page of a model: what it takes from npm, its graph and what its scripts know."""

import gzip

import numpy as np

from ...displays._page.page import (
    embed,
    encode,
    escape_script,
    join_scripts,
    make_page,
    read_bytes,
    read_text,
)

# More takes six times as long for half a percent.
_LEVEL = 6
# Bytes of a float.
_FLOAT = 4
_FOLDER = "export/_page"
_LIBRARIES = f"{_FOLDER}/libraries"


def assemble(contents, graph):
    """Return the page; ``contents`` is what its scripts know, ``graph`` bytes."""
    libraries = read_text(f"{_LIBRARIES}/libraries.js")
    wasm, notices = (
        encode(read_bytes(f"{_LIBRARIES}/{name}.gz"))
        for name in ("onnxruntime.wasm", "notices.txt")
    )
    blocks = {
        "contents": ("application/json", embed(contents)),
        "libraries": ("text/plain", escape_script(libraries)),
        "worker": ("text/plain", join_scripts(f"{_FOLDER}/worker/main.js")),
        "wasm": ("text/plain", wasm),
        "graph": ("text/plain", encode(_compress(graph))),
        "licenses-text": ("text/plain", read_text(f"{_LIBRARIES}/licenses.txt")),
        "notices-text": ("text/plain", notices),
    }
    # A module of WebAssembly is no script of a text, and the worker is made of texts
    # of this page.
    policy = {"script-src": "{script} 'wasm-unsafe-eval'", "worker-src": "blob:"}
    return make_page(_FOLDER, contents["title"], blocks, policy)


def _compress(graph):
    """Return a graph compressed, the first bytes of all numbers first, and so on.

    Of the floats of weights, signs and exponents are alike, and digits are not.
    """
    end = len(graph) // _FLOAT * _FLOAT
    planes = np.frombuffer(graph[:end], np.uint8).reshape(-1, _FLOAT).T
    return gzip.compress(planes.tobytes() + graph[end:], _LEVEL, mtime=0)
