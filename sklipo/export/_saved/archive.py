"""The zip archive that holds a saved model: arrays, and a text that says of what."""

import json
import re
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo, is_zipfile

from ...versions._comparing import installed_versions
from .copies import Again

_SCHEMA = "schema.json"
_MEMBER = re.compile(r"schema\.json|[0-9]+\.(npy|npz|bin)")
_SMALL = 2**16

# Few words that come back, and arrays of zeros, are compressed to no more than this.
_MOST_TIMES_LARGER = 200
_ALWAYS_ALLOWED = 2**26

# What packages are called where they are installed, by how they are imported.
_PACKAGES = {
    "imblearn": ("imbalanced-learn",),
    "sklearn": ("scikit-learn",),
    "sklipo": ("sklipo", "scikit-learn"),
    "sklipo.export._saved.network_parts": ("torch", "skorch"),
    "skorch": ("skorch",),
}
_KNOWN = {package for packages in _PACKAGES.values() for package in packages}

# How files begin that are taken for models.
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_STARTS = {
    "is a pickle": (b"\x80",),
    "is a compressed file, such as a pickle of joblib": (
        *_ZLIB,
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ",
    ),
}
_IF_PICKLE = (
    " Open it by joblib.load if you trust who made it, since that runs what it holds."
)


def write_archive(path, data):
    """Write what ``skops.io.dumps`` returned, the same bytes for the same model."""
    with ZipFile(BytesIO(data)) as source, ZipFile(path, "w") as target:
        schema = json.loads(source.read(_SCHEMA))
        names, modules = _number(schema)
        schema["versions"] = _find_versions(modules)
        _add(target, _SCHEMA, json.dumps(schema).encode())
        for old, new in names.items():
            _add(target, new, source.read(old))


def read_archive(path):
    """Return the bytes of a saved model, and the versions that saved it, checked."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder; expected the file of a model.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    data = path.read_bytes()
    if not is_zipfile(BytesIO(data)):
        raise ValueError(f"{str(path)!r} {_describe(data, path)}")
    try:
        with ZipFile(BytesIO(data)) as archive:
            _check_members(archive, len(data))
            schema = json.loads(archive.read(_SCHEMA))
            versions = schema["versions"]
            _check_versions(versions)
    # What is wrong in a file may raise anything.
    except Exception as error:
        raise ValueError(
            f"{str(path)!r} is a zip archive, but none that save_model wrote, or a "
            f"damaged one ({error}). A file of skops.dump is opened by skops.load."
        ) from error
    return data, versions


def _add(archive, name, content):
    """Add a member to an archive."""
    is_text = name == _SCHEMA
    # Weights hardly get smaller by compression; the heads of many small arrays do.
    kind = ZIP_DEFLATED if is_text or len(content) < _SMALL else ZIP_STORED
    # A ZipInfo of a name alone is of 1980, whenever it is made.
    archive.writestr(ZipInfo(name), content, kind, 6)


def _number(schema):
    """Give objects and files new numbers; return names of files, and modules.

    skops names both by addresses in memory, which differ each time.
    """
    ids, names, modules, nodes = {}, {}, set(), [schema]
    while nodes:
        node = nodes.pop()
        if isinstance(node, list):
            nodes += reversed(node)
        elif isinstance(node, dict):
            if isinstance(node.get("__loader__"), str):
                _number_node(node, ids, names)
                modules.add(node["__module__"])
            nodes += reversed(node.values())
    return names, modules


def _number_node(node, ids, names):
    """Give an object and its file new numbers, or refer to one met before."""
    if (node["__module__"], node["__class__"]) == (Again.__module__, Again.__name__):
        [number] = node.pop("content")["content"]
        node["__id__"], node["__loader__"] = int(number["content"]), "CachedNode"
    if "file" in node:
        suffix = Path(node["file"]).suffix
        node["file"] = names.setdefault(node["file"], f"{len(names)}{suffix}")
    old = node.pop("__id__")
    # Whether two equal texts or types are one object is a matter of chance.
    if node["__loader__"] not in ("JsonNode", "TypeNode"):
        node["__id__"] = ids.setdefault(old, len(ids) + 1)


def _find_versions(modules):
    """Return the versions of the packages that a model needs."""
    modules = modules | {name.partition(".")[0] for name in modules} | {"sklipo"}
    names = {p for m in modules for p in _PACKAGES.get(m, ())}
    return installed_versions(tuple(sorted(names)))


def _check_members(archive, size):
    """Refuse members that save_model does not write."""
    members = archive.infolist()
    names = [member.filename for member in members]
    for name in names:
        if not _MEMBER.fullmatch(name) or names.count(name) > 1:
            raise ValueError(f"it has a member {name!r}")
    most = max(_MOST_TIMES_LARGER * size, _ALWAYS_ALLOWED)
    if sum(member.file_size for member in members) > most:
        raise ValueError("its members are far larger than the file")


def _check_versions(versions):
    """Refuse what is no table of versions of the packages that are known."""
    if not _KNOWN.issuperset(versions) or "sklipo" not in versions:
        raise ValueError(f"it has versions of {list(versions)}")
    for name, number in versions.items():
        if not isinstance(number, str):
            raise TypeError(f"the version of {name} is {number!r}")


def _describe(data, path):
    """Return in words what a file is that is no zip archive."""
    if not data:
        return "is empty."
    for text, starts in _STARTS.items():
        if data.startswith(starts):
            return f"{text}.{_IF_PICKLE}"
    if data.startswith(b"PK"):
        return "is a zip archive that is damaged or was not copied as a whole."
    if path.suffix == ".onnx":
        return "is an ONNX file. Open it by onnxruntime.InferenceSession."
    return "is no file that save_model wrote."
