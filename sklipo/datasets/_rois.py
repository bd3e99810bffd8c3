"""Outlines drawn in ImageJ and Fiji: .roi files and zip archives of them.

Which pixels an outline holds is ImageJ's rule, for each of its kinds. It is described
where it differs from that of `fill_rings`.
"""

import re
import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np

from .._extras import import_extra
from ..particles._outlines import fill_rings, trace_pieces
from ._instances import Instance, list_names
from ._roi_curves import bend, fit_spline, rotated_ellipse, rotated_rectangle, round_off
from ._shapes import fill_box, fill_ellipse

_AREAS = "polygon, freehand, traced, oval, rectangle and composite"
_NO_AREAS = {
    "LINE": "a line",
    "FREELINE": "a freehand line",
    "POLYLINE": "a segmented line",
    "ANGLE": "an angle",
    "POINT": "a point or several",
    "NOROI": "empty",
    "TEXT": "text",
    "IMAGE": "an image",
}
_RINGS = ("POLYGON", "FREEHAND", "TRACED")
# What ImageJ's paths are made of: to where, and how many points tell it.
_MOVE, _LINE, _CLOSE = 0, 1, 4
_N_POINTS = {_MOVE: 1, _LINE: 1, 2: 2, 3: 3, _CLOSE: 0}
_SPLINE_FIT = 1
_FARTHEST = 2**31
_LABELS = ("class", "label")
# What zipfile raises for damaged archives, and roifile for damaged outlines.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    TypeError,
    ValueError,
)
# Larger ones are no outlines. A small archive can hold terabytes of zeros.
_MOST_BYTES = 2**28
# The format has 16 bits for positions, of which ImageJ takes these as written.
_LEAST_INTEGER, _MOST_INTEGER = -5000, 60535
# The version that has all fields that are written here.
_VERSION = 227
# UTF-16 has two units for these, and roifile counts one.
_UNSTORABLE = re.compile("[\ud800-\udfff\U00010000-\U0010ffff]")


def read_rois(path):
    """Return the instances that a .roi file or a zip archive of them outlines."""
    roifile = import_extra("roifile", "em")
    data = Path(path).read_bytes()
    if data.startswith(b"PK"):
        named = _unpack(data)
    else:
        named = [(Path(path).stem, data)]
    return [_read_roi(roifile, name, data) for name, data in named]


def write_rois(results, path):
    """Write classified particles as a zip archive of ImageJ outlines.

    Each is named by its instance and class, has the color of its class, and holds the
    pixels of its mask.
    """
    roifile = import_extra("roifile", "em")
    table, taken = results.particles, set()
    rows = table[["mask", "top", "left"]].itertuples(index=False)
    with zipfile.ZipFile(path, "w") as archive:
        for name, label, row in zip(
            list_names(table), results.y_pred, rows, strict=True
        ):
            roi = _make_roi(roifile, *row)
            roi.name = _UNSTORABLE.sub("?", f"{name} {label}")
            properties = {"class": str(label), "instance": str(name)}
            roi.props = "".join(f"{k}: {_escape(v)}\n" for k, v in properties.items())
            roi.stroke_color = b"\xff" + bytes.fromhex(results.colors[label][1:])
            # Without the time, so that the same results make the same file.
            member = zipfile.ZipInfo(f"{_member_name(roi.name, taken)}.roi")
            archive.writestr(member, roi.tobytes(), zipfile.ZIP_DEFLATED)


def _unpack(data):
    """Return the name and the bytes of each outline in a zip archive."""
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except (*_DAMAGED, NotImplementedError) as error:
        raise ValueError("a damaged or truncated zip archive") from error
    files = [file for file in archive.infolist() if not _is_hidden(file)]
    rois = [file for file in files if file.filename.lower().endswith(".roi")]
    if files and not rois:
        raise ValueError(
            "the zip archive has no outline (.roi), its first file is "
            f"{files[0].filename!r}; save outlines by ImageJ's ROI Manager"
        )
    return [
        (PurePosixPath(file.filename).stem, _read_member(archive, file))
        for file in rois
    ]


def _is_hidden(file):
    """Tell whether a file in an archive is a folder, or was added by macOS."""
    parts = PurePosixPath(file.filename).parts
    # ZipInfo.is_dir fails if there is no name.
    return not parts or file.is_dir() or parts[-1][0] == "." or "__MACOSX" in parts


def _read_member(archive, file):
    """Return the bytes of a file in an archive."""
    where = f"ROI {file.filename!r}"
    if file.file_size > _MOST_BYTES:
        raise ValueError(f"{where} has {file.file_size} bytes, too many for an outline")
    try:
        return archive.read(file)
    except _DAMAGED as error:
        raise ValueError(f"{where} is damaged in the zip archive") from error
    except RuntimeError as error:
        raise ValueError(
            f"{where} can't be unpacked: {error}; save the archive anew by ImageJ's "
            "ROI Manager, without a password"
        ) from error


def _read_roi(roifile, name, data):
    """Return the instance that the bytes of a .roi file outline."""
    try:
        roi = _parse(roifile, data)
        name = roi.name or name
        properties = _properties(roi)
        return Instance(
            *_fill(roi),
            name=_instance_name(properties.get("instance") or name),
            label=_label(roi, properties),
        )
    except ValueError as error:
        raise ValueError(f"ROI {name!r}: {error}") from error


def _parse(roifile, data):
    """Return the ROI of roifile; raise an error if its data are damaged."""
    if data[:4] != b"Iout":
        raise ValueError(f"no outline of ImageJ, it begins with {data[:4]!r}")
    # The second header has the name, and comes last.
    if len(data) < 64 or int.from_bytes(data[60:64], signed=True) > len(data) - 52:
        raise ValueError("truncated, save it anew in ImageJ")
    try:
        return roifile.ImagejRoi.frombytes(data)
    except _DAMAGED as error:
        raise ValueError("damaged or truncated, save it anew in ImageJ") from error


def _properties(roi):
    """Return the properties that ImageJ stores with an outline, a line for each."""
    lines = (line.partition(":") for line in roi.props.splitlines())
    return {key.strip().lower(): _unescape(text.strip()) for key, _, text in lines}


def _escape(text):
    """Return text in the ASCII that Java reads properties from."""

    def codes(match):
        units = np.frombuffer(match[0].encode("utf-16-be", "surrogatepass"), ">u2")
        return "".join(f"\\u{unit:04x}" for unit in units)

    return re.sub(r"[^ -\[\]-~]", codes, text)


def _unescape(text):
    """Return the text that was escaped for Java; other text stays as it is."""
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _instance_name(text):
    """Return the name of an instance, as a number if it is one."""
    return int(text) if re.fullmatch(r"-?[1-9]\d{0,17}|0", text) else text


def _label(roi, properties):
    """Return the class of an outline: of its properties, else its group's number."""
    labels = [properties[key] for key in _LABELS if properties.get(key)]
    return labels[0] if labels else str(roi.group) if roi.group else None


def _fill(roi):
    """Return the pixels within an outline: a mask, its top and left."""
    kind = roi.roitype.name
    if roi.subtype.name in ("TEXT", "IMAGE"):
        kind = roi.subtype.name
    if kind == "RECT" and roi.composite:
        return fill_rings(_split_path(roi.multi_coordinates))
    if kind in _RINGS:
        return fill_rings([_ring(roi)])
    if kind not in ("RECT", "OVAL"):
        what = _NO_AREAS.get(kind, f"of the unknown type {roi.roitype.value}")
        raise ValueError(
            f"it is {what}, which has no pixels within; expected areas: {_AREAS}. "
            "Delete it from the ROI Manager, or convert it by Edit > Selection"
        )
    box = _box(roi)
    if kind == "OVAL":
        return fill_ellipse(*box)
    if roi.rounded_rect_arc_size > 0:
        return fill_rings([round_off(*box, roi.rounded_rect_arc_size)])
    return fill_box(*box)


def _box(roi):
    """Return top, left, bottom and right of a rectangle or oval, as whole pixels.

    Of those between pixels ImageJ cuts off fractions of the position, and rounds up the
    size; the least size is 1.
    """
    if roi.subpixelrect:
        box = _numbers([roi.yd, roi.xd, roi.heightd, roi.widthd])
        (top, left), (height, width) = np.trunc(box[:2]), np.ceil(box[2:])
    else:
        top, left = roi.top, roi.left
        height, width = roi.bottom - roi.top, roi.right - roi.left
    return top, left, top + max(height, 1), left + max(width, 1)


def _ring(roi):
    """Return the corners of a polygon, or of what ImageJ makes one."""
    subtype = roi.subtype.name
    # As a polygon a rotated rectangle has its corners.
    if roi.roitype.name == "FREEHAND" and subtype in ("ELLIPSE", "ROTATED_RECT"):
        # A float is stored where other kinds have an arrow's style and an arc's size.
        fields = (
            roi.arrow_style_or_aspect_ratio,
            roi.arrow_head_size,
            roi.rounded_rect_arc_size,
        )
        (parameter,) = struct.unpack(">f", struct.pack(">BBh", *fields))
        *ends, parameter = _numbers([roi.y1, roi.x1, roi.y2, roi.x2, parameter])
        make = rotated_ellipse if subtype == "ELLIPSE" else rotated_rectangle
        return make(np.array(ends[:2]), np.array(ends[2:]), parameter)
    corners = _numbers(roi.coordinates())[:, ::-1]
    is_spline = roi.version >= 218 and roi.options & _SPLINE_FIT
    return fit_spline(corners) if is_spline and len(corners) > 2 else corners


def _numbers(numbers):
    """Return the coordinates of an outline as floats that can be reckoned with."""
    numbers = np.asarray(numbers)
    # First, as damaged NaN raise warnings in all else.
    if not np.isfinite(numbers).all() or (abs(numbers) >= _FARTHEST).any():
        raise ValueError("its coordinates are NaN or beyond any micrograph")
    return numbers.astype(float)


def _split_path(path):
    """Return the rings of a composite outline, its curves as many short lines."""
    path, place, rings, ring = _numbers(path).tolist(), 0, [], []
    while place < len(path):
        kind = path[place]
        if kind not in _N_POINTS:
            raise ValueError(f"its path has a segment of the unknown kind {kind:g}")
        points = path[place + 1 : place + 1 + 2 * _N_POINTS[kind]]
        if len(points) < 2 * _N_POINTS[kind]:
            raise ValueError("its path ends within a segment, save it anew in ImageJ")
        place += 1 + len(points)
        points = list(zip(points[1::2], points[::2], strict=True))
        if kind in (_MOVE, _CLOSE):
            ring = []
            rings.append(ring)
        if kind in (_MOVE, _LINE):
            ring += points
        elif kind != _CLOSE:
            ring += bend([*ring[-1:], *points])
    # What encloses nothing is left over from where a path was closed.
    return [ring for ring in rings if len(ring) > 2]


def _make_roi(roifile, mask, top, left):
    """Return the ROI of roifile that holds the pixels of a mask."""
    pieces = trace_pieces(mask != 0)
    rings = [np.add(ring, (top, left)) for piece in pieces for ring in piece]
    roi = roifile.ImagejRoi()
    roi.version = _VERSION
    corners = np.concatenate(rings)
    first, last = corners.min(axis=0), corners.max(axis=0)
    roi.top, roi.left, roi.bottom, roi.right = (int(x) for x in (*first, *last))
    fits = first.min() >= _LEAST_INTEGER and last.max() <= _MOST_INTEGER
    if len(rings) == 1 and fits and len(corners) < 2**16:
        roi.roitype = roifile.ROI_TYPE.TRACED
        roi.n_coordinates = len(corners)
        roi.integer_coordinates = (corners - first)[:, ::-1].astype(np.int32)
        return roi
    # Its numbers are floats of 32 bits: whole numbers up to 2**24 are exact.
    path = np.concatenate([_path(ring) for ring in rings])
    roi.roitype = roifile.ROI_TYPE.RECT
    roi.shape_roi_size = len(path)
    roi.multi_coordinates = path
    return roi


def _path(ring):
    """Return a ring as a path of ImageJ: its segments' kinds, each with x and y."""
    kinds = np.full(len(ring), _LINE)
    kinds[0] = _MOVE
    segments = np.column_stack([kinds, ring[:, ::-1]])
    return np.append(segments.ravel(), _CLOSE).astype(np.float32)


def _member_name(name, taken):
    """Return a new file name for a ROI that all systems allow, and ImageJ displays."""
    name = stem = re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", name)[:100]
    count = 1
    # Windows and macOS do not tell capitals apart.
    while name.lower() in taken:
        count += 1
        name = f"{stem}-{count}"
    taken.add(name.lower())
    return name
