"""ImageJ's outlines, against roifile's files and ImageJ's rules in slow lines."""

import math
import struct
import zipfile

import numpy as np
import pytest
import roifile
from hypothesis import given, settings
from hypothesis import strategies as st
from outline_cases import (
    DATA,
    NAMES,
    check_same,
    draw_scene,
    filled_pixels,
    imagej_pixels,
    label_results,
    lay_out,
    make_results,
    random_masks,
    shapely_pixels,
)
from roifile import ROI_OPTIONS, ROI_SUBTYPE, ROI_TYPE, ImagejRoi
from scipy.interpolate import CubicSpline
from shapely import affinity
from shapely.geometry import LineString, Point, Polygon, box

from sklipo.datasets._rois import read_rois, write_rois


def make_roi(kind, top=0, left=0, bottom=0, right=0, **fields):
    roi = ImagejRoi()
    roi.roitype = ROI_TYPE[kind]
    roi.top, roi.left, roi.bottom, roi.right = top, left, bottom, right
    for name, value in fields.items():
        setattr(roi, name, value)
    return roi


def make_path(*segments):
    """Return a composite ROI of segments: kind and coordinates x, y."""
    path = np.array([x for segment in segments for x in segment], np.float32)
    return make_roi(
        "RECT", 0, 0, 9, 9, shape_roi_size=len(path), multi_coordinates=path
    )


def make_slanted(subtype, ends, parameter):
    """Return a rotated rectangle or an ellipse; the points of the format are unused."""
    roi = ImagejRoi.frompoints([[0, 0], [1, 0], [1, 1]])
    roi.subtype = ROI_SUBTYPE[subtype]
    roi.x1, roi.y1, roi.x2, roi.y2 = ends
    fields = struct.unpack(">BBh", struct.pack(">f", parameter))
    roi.arrow_style_or_aspect_ratio, roi.arrow_head_size = fields[:2]
    roi.rounded_rect_arc_size = fields[2]
    return roi


def read(roi, tmp_path, name="a.roi"):
    """Return the one instance of a ROI, or of the bytes of one."""
    data = roi if isinstance(roi, bytes) else roi.tobytes()
    (tmp_path / name).write_bytes(data)
    (found,) = read_rois(tmp_path / name)
    return found


def write_zip(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("kind", ["POLYGON", "FREEHAND", "TRACED"])
@pytest.mark.parametrize("dtype", [int, float])
def test_twenty_polygons_of_roifile(kind, dtype, tmp_path):
    rng = np.random.default_rng(0)
    polygons = [rng.uniform(-9, 40, (rng.integers(3, 9), 2)) for _ in range(20)]
    polygons = [polygon.round(1).astype(dtype) for polygon in polygons]
    rois = [ImagejRoi.frompoints(p, name=f"p{i}") for i, p in enumerate(polygons)]
    for roi in rois:
        roi.roitype = ROI_TYPE[kind]
    roifile.roiwrite(tmp_path / "set.zip", rois)
    found = read_rois(tmp_path / "set.zip")
    assert [instance.name for instance in found] == [f"p{i}" for i in range(20)]
    for instance, polygon in zip(found, polygons, strict=True):
        stored = polygon.astype(np.float32).tolist()
        expected = imagej_pixels([[(y, x) for x, y in stored]])
        assert filled_pixels(*instance) == expected
        shape = Polygon(polygon)
        if dtype is float and shape.is_valid:
            assert filled_pixels(*instance) == shapely_pixels(shape)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 3), (4, 4), (7, 12), (20, 3)])
def test_ovals_hold_the_pixels_of_imagejs_masks(size, tmp_path):
    height, width = size
    found = read(make_roi("OVAL", 5, -3, 5 + height, -3 + width), tmp_path)
    a, b = width / 2, height / 2
    expected = {
        (y + 5, x - 3)
        for y in range(height)
        for x in range(width)
        if (x + 0.5 - a) ** 2 / a**2 + (y + 0.5 - b) ** 2 / b**2 <= 1
    }
    assert filled_pixels(*found) == expected


def with_points(points):
    """Return a polygon of floats that roifile itself would not make."""
    roi = ImagejRoi.frompoints(np.ones((len(points), 2)))
    roi.subpixel_coordinates = np.array(points, np.float32)
    return roi


def subpixel(kind, x, y, width, height):
    return make_roi(
        kind,
        options=ROI_OPTIONS.SUB_PIXEL_RESOLUTION,
        xd=x,
        yd=y,
        widthd=width,
        heightd=height,
    )


@pytest.mark.parametrize("kind", ["RECT", "OVAL"])
def test_boxes_between_pixels_are_those_of_whole_pixels(kind, tmp_path):
    found = read(subpixel(kind, 2.75, 3.25, 9.5, 5), tmp_path)
    whole = read(make_roi(kind, 3, 2, 8, 12), tmp_path)
    assert filled_pixels(*found) == filled_pixels(*whole)
    at_least_one = read(subpixel(kind, -0.5, 3.25, 0, 0), tmp_path)
    assert filled_pixels(*at_least_one) == {(3, 0)}


def test_rectangles_with_corners_rounded_off(tmp_path):
    plain = read(make_roi("RECT", 3, 4, 43, 64), tmp_path)
    assert filled_pixels(*plain) == shapely_pixels(box(4, 3, 64, 43))
    rounded = make_roi("RECT", 3, 4, 43, 64, rounded_rect_arc_size=21)
    expected = box(14.5, 13.5, 53.5, 32.5).buffer(10.5, quad_segs=999)
    assert filled_pixels(*read(rounded, tmp_path)) == shapely_pixels(expected)
    # As round as it is high.
    round_ends = make_roi("RECT", 3, 4, 43, 84, rounded_rect_arc_size=40)
    expected = LineString([(24, 23), (64, 23)]).buffer(20, quad_segs=999)
    assert filled_pixels(*read(round_ends, tmp_path)) == shapely_pixels(expected)


def test_rotated_ellipses_and_rectangles(tmp_path):
    ends, middle = (10.25, 8, 50.5, 38), Point(30.375, 23)
    length, angle = math.hypot(40.25, 30), math.degrees(math.atan2(30, 40.25))
    ellipse = affinity.rotate(
        affinity.scale(middle.buffer(1, quad_segs=18), length / 2, length / 5), angle
    )
    found = read(make_slanted("ELLIPSE", ends, 0.4), tmp_path)
    assert filled_pixels(*found) == shapely_pixels(ellipse)
    rectangle = LineString([ends[:2], ends[2:]]).buffer(7, cap_style="flat")
    found = read(make_slanted("ROTATED_RECT", ends, 14), tmp_path)
    assert filled_pixels(*found) == shapely_pixels(rectangle)


def test_rotated_rectangles_that_imagej_stores_as_polygons(tmp_path):
    corners = np.array([[3.5, 1], [20, 8.25], [17, 15], [0.5, 7.75]])
    roi = ImagejRoi.frompoints(corners)
    roi.roitype, roi.subtype = ROI_TYPE.POLYGON, ROI_SUBTYPE.ROTATED_RECT
    found = read(roi, tmp_path)
    assert filled_pixels(*found) == shapely_pixels(Polygon(corners))


def test_holes_and_pieces_of_composite_outlines(tmp_path):
    outer, hole, piece = (
        [(0, 0, 0), (1, 10, 0), (1, 10, 8), (1, 0, 8), (4,)],
        [(0, 2, 2), (1, 5.5, 2), (1, 5.5, 5.5), (1, 2, 5.5), (4,)],
        [(0, 20, 1), (1, 23, 1), (1, 23, 4), (1, 20, 4), (0, 50, 50)],
    )
    found = read(make_path(*outer, *hole, *piece), tmp_path)
    area = Polygon(
        [(0, 0), (10, 0), (10, 8), (0, 8)],
        # A center on the line belongs to what is above and left of it.
        [[(2, 2), (5.6, 2), (5.6, 5.6), (2, 5.6)]],
    )
    expected = shapely_pixels(area) | shapely_pixels(box(20, 1, 23, 4))
    assert filled_pixels(*found) == expected


def test_curves_of_composite_outlines(tmp_path):
    k = 20 * 4 / 3 * math.tan(math.pi / 8)
    circle = make_path(
        (0, 50, 30),
        (3, 50, 30 + k, 30 + k, 50, 30, 50),
        (3, 30 - k, 50, 10, 30 + k, 10, 30),
        (3, 10, 30 - k, 30 - k, 10, 30, 10),
        (3, 30 + k, 10, 50, 30 - k, 50, 30),
        (4,),
    )
    found = filled_pixels(*read(circle, tmp_path))
    # The cubic curves are within a 3700th of the radius.
    least, most = (Point(30, 30).buffer(20 + d, quad_segs=999) for d in (-0.02, 0.02))
    assert shapely_pixels(least) <= found <= shapely_pixels(most)
    t = np.linspace(0, 1, 999)
    parabola = np.column_stack([40 * t, 60 * t * (1 - t)])
    found = filled_pixels(
        *read(make_path((0, 0, 0), (2, 20, 30, 40, 0), (4,)), tmp_path)
    )
    area = Polygon(parabola)
    assert shapely_pixels(area.buffer(-0.02)) <= found
    assert found <= shapely_pixels(area.buffer(0.02))


def test_splines_through_corners(tmp_path):
    corners = np.array([[10, 8], [40, 12], [52, 40], [30, 30], [12, 44]])
    roi = ImagejRoi.frompoints(corners)
    roi.options |= ROI_OPTIONS.SPLINE_FIT
    found = read(roi, tmp_path)
    closed = np.vstack([corners, corners[:1]])
    steps = np.hypot(*np.diff(closed, axis=0).T) ** 0.5
    at = np.concatenate([[0], np.cumsum(steps)])
    curve = CubicSpline(at, closed, bc_type="periodic")(np.linspace(0, at[-1], 3000))
    # ImageJ's curve is not quite periodic, and a polygon of 100 corners or more.
    least, most = (Polygon(curve).buffer(distance) for distance in (-0.2, 0.2))
    assert shapely_pixels(least) <= filled_pixels(*found) <= shapely_pixels(most)
    assert filled_pixels(*found) != filled_pixels(
        *read(ImagejRoi.frompoints(corners), tmp_path)
    )


def test_outlines_of_slices_are_read(tmp_path):
    roi = make_roi("RECT", 1, 2, 3, 4, position=7, c_position=1, z_position=2)
    assert filled_pixels(*read(roi, tmp_path)) == {(1, 2), (1, 3), (2, 2), (2, 3)}


def test_names_come_from_the_outline_else_from_its_file(tmp_path):
    roi = make_roi("RECT", 1, 2, 3, 4)
    assert read(roi, tmp_path, "some.thing.roi").name == "some.thing"
    roi.name = "Größe"
    assert read(roi, tmp_path).name == "Größe"
    roi.name = "0012-0034"
    assert read(roi, tmp_path).name == "0012-0034"


@pytest.mark.parametrize(
    ("properties", "group", "label"),
    [
        ("", 0, None),
        ("", 3, "3"),
        ("", 300, "300"),
        ("class: uni lamellar\n", 3, "uni lamellar"),
        ("Class: a:b\nother: 1\n", 0, "a:b"),
        ("label: x", 0, "x"),
        ("class: true\n", 0, "true"),
        ("class:\nlabel: x\n", 0, "x"),
        ("no colon", 0, None),
        (r"class: C:\users", 0, r"C:\users"),
        (r"class: \ud83d alone", 0, "\ufffd alone"),
    ],
)
def test_labels_are_properties_or_groups(properties, group, label, tmp_path):
    roi = make_roi("RECT", 1, 2, 3, 4, props=properties, group=group)
    assert read(roi, tmp_path).label == label


def test_archives_with_other_files(tmp_path):
    roi = make_roi("RECT", 1, 2, 3, 4).tobytes()
    path = write_zip(
        tmp_path / "set.zip",
        **{
            "folder/": b"",
            "folder/a.roi": roi,
            "__MACOSX/folder/._a.roi": b"resource fork",
            ".DS_Store": b"\0",
            "readme.txt": b"text",
            "B.ROI": roi,
        },
    )
    assert [found.name for found in read_rois(path)] == ["a", "B"]
    assert read_rois(write_zip(tmp_path / "empty.zip")) == []


@pytest.mark.parametrize(
    ("kind", "subtype", "message"),
    [
        ("LINE", "UNDEFINED", "it is a line, which has no pixels"),
        ("LINE", "ARROW", "it is a line, which has no pixels"),
        ("FREELINE", "UNDEFINED", "a freehand line, .* expected areas: polygon, fr"),
        ("POLYLINE", "UNDEFINED", "a segmented line"),
        ("ANGLE", "UNDEFINED", "an angle"),
        ("POINT", "UNDEFINED", "a point or several"),
        ("NOROI", "UNDEFINED", "it is empty"),
        ("RECT", "TEXT", "it is text"),
        ("RECT", "IMAGE", "it is an image"),
    ],
)
def test_what_has_no_area_is_named(kind, subtype, message, tmp_path):
    roi = ImagejRoi.frompoints([[0, 0], [5, 1], [3, 4]], name="mine")
    roi.roitype, roi.subtype = ROI_TYPE[kind], ROI_SUBTYPE[subtype]
    with pytest.raises(ValueError, match=f"^ROI 'mine': .*{message}"):
        read(roi, tmp_path)


def unknown_type():
    data = bytearray(ImagejRoi.frompoints([[0, 0], [5, 1], [3, 4]]).tobytes())
    data[6] = 77
    return bytes(data)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("roi", "message"),
    [
        (b"", "no outline of ImageJ, it begins with b''"),
        (b"II*\0....", "no outline of ImageJ"),
        (b"Iout", "truncated, save it anew"),
        (make_roi("RECT", 1, 2, 3, 4).tobytes()[:70], "truncated, save it anew"),
        (unknown_type(), "of the unknown type 77"),
        (ImagejRoi.frompoints([[1, 1], [2, 2]]), "2 points, expected three"),
        (make_roi("POLYGON"), "0 points, expected three"),
        (with_points([[1, 1.5], [NAN, 2], [3, 4]]), "NaN or beyond"),
        (with_points([[1, 1.5], [INF, 2], [3, 4]]), "NaN or beyond"),
        (with_points([[1, 1.5], [1e30, 2], [3, 4]]), "NaN or beyond"),
        (with_points([[1, 1.5], [1e6, 1e6], [3, 4]]), "999998 x 999999 pixels"),
        (subpixel("RECT", NAN, 1, 2, 3), "NaN or beyond"),
        (subpixel("OVAL", 1, 1, 1e9, 1e9), r"1e\+09 x 1e\+09 pixels"),
        (make_slanted("ELLIPSE", (1, 2, NAN, 4), 0.5), "NaN or beyond"),
        (make_slanted("ELLIPSE", (1, 2, 3, 4), NAN), "NaN or beyond"),
        (make_slanted("ROTATED_RECT", (1, 2, 1, 2), 4), "without length or width"),
        (make_path((0, 1, 2), (9, 1, 2)), "segment of the unknown kind 9"),
        (make_path((0, 1, 2), (1.5, 1, 2)), "segment of the unknown kind 1.5"),
        (make_path((0, 1, 2), (1, 5)), "ends within a segment"),
        (make_path((0, 1, 2), (3, 5, 5, 5, 5)), "ends within a segment"),
        (make_path((2, 5, 5, 5, 5)), "a curve that begins nowhere"),
        (make_path((0, 1, 2), (1, NAN, 2)), "NaN or beyond"),
    ],
    # roifile leaves bytes to chance, and tests in two processes need one name.
    ids=lambda value: value if isinstance(value, str) else "roi",
)
def test_faulty_outlines_are_named(roi, message, tmp_path):
    with pytest.raises(ValueError, match=f"^ROI '[^']+': .*{message}"):
        read(roi, tmp_path)


@settings(max_examples=300, deadline=None)
@given(
    number=st.integers(0, 5),
    places=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    length=st.none() | st.integers(0, 400),
)
def test_damaged_outlines_raise_nothing_but_value_errors(
    number, places, length, tmp_path_factory
):
    rois = [
        make_roi("OVAL", 1, 2, 9, 12, name="a", props="class: x\n"),
        ImagejRoi.frompoints([[0, 0], [5, 1], [3, 4]], name="b"),
        ImagejRoi.frompoints([[0.5, 0], [5, 1], [3, 4]], name="c"),
        make_path((0, 1, 2), (3, 5, 5, 5, 8, 9, 1), (2, 5, 5, 5, 8), (4,)),
        make_slanted("ELLIPSE", (1, 2, 9, 4), 0.5),
        make_roi("RECT", 3, 4, 43, 64, rounded_rect_arc_size=21),
    ]
    data = bytearray(rois[number].tobytes())
    for place, value in places:
        data[place % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.roi"
    path.write_bytes(data[:length])
    try:
        read_rois(path)
    except ValueError as error:
        assert str(error).startswith("ROI '")


def lock(path):
    """Set the flag of encrypted data, in both headers of the archive's first file."""
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)


def test_faulty_archives(tmp_path):
    path, roi = tmp_path / "set.zip", make_roi("RECT", 1, 2, 3, 4).tobytes()
    write_zip(path, **{"a.txt": b"text", "b.csv": b"1"})
    with pytest.raises(
        ValueError, match=r"has no outline \(.roi\), its first file is 'a.txt'"
    ):
        read_rois(path)
    write_zip(path, **{"a.roi": roi, "b.roi": b"Iout"})
    with pytest.raises(ValueError, match=r"^ROI 'b': truncated"):
        read_rois(path)
    data = write_zip(path, **{"a.roi": roi}).read_bytes()
    path.write_bytes(data[:-30])
    with pytest.raises(ValueError, match="a damaged or truncated zip archive"):
        read_rois(path)
    path.write_bytes(data.replace(b"Iout", b"Iouu", 1))
    with pytest.raises(ValueError, match=r"^ROI 'a.roi' is damaged in the zip"):
        read_rois(path)
    path.write_bytes(data)
    lock(path)
    with pytest.raises(ValueError, match=r"^ROI 'a.roi' can't be unpacked.* password"):
        read_rois(path)


@settings(max_examples=200, deadline=None)
@given(
    places=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4)
)
def test_damaged_archives_raise_nothing_but_value_errors(places, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    rois = {f"{i}.roi": make_roi("RECT", 1, 2, 3, 4).tobytes() for i in range(3)}
    data = bytearray(write_zip(path, **rois).read_bytes())
    for place, value in places:
        data[place % len(data)] = value
    path.write_bytes(b"PK" + data[2:])
    try:
        read_rois(path)
    except ValueError as error:
        assert "codec" not in str(error)


def test_archives_of_terabytes_are_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("sklipo.datasets._rois._MOST_BYTES", 100)
    path = write_zip(tmp_path / "set.zip", **{"a.roi": bytes(101)})
    with pytest.raises(ValueError, match=r"^ROI 'a.roi' has 101 bytes, too many"):
        read_rois(path)


def test_twenty_particles_and_back(tmp_path):
    results = make_results(draw_scene())
    write_rois(results, tmp_path / "set.zip")
    check_same(read_rois(tmp_path / "set.zip"), results)
    rois = roifile.roiread(tmp_path / "set.zip")
    kinds = {roi.roitype for roi in rois}
    assert kinds == {ROI_TYPE.TRACED, ROI_TYPE.RECT}
    for roi, row in zip(rois, results.particles.itertuples(), strict=True):
        label = results.y_pred[row.Index]
        assert roi.name == f"{row.instance} {label}"
        assert roi.hexcolor(roi.stroke_color) == results.colors[label]
        assert roi.properties == {"class": label, "instance": row.instance}
        rings = [Polygon(ring) for ring in roi.coordinates(multi=True)]
        area = rings[0]
        for ring in rings[1:]:
            area = area.symmetric_difference(ring)
        assert area.area == row.mask.sum()
        assert shapely_pixels(area) == filled_pixels(row.mask, row.top, row.left)


@pytest.mark.parametrize(("names", "expected"), NAMES)
def test_tables_whose_instances_lack_names(names, expected, tmp_path):
    results = make_results([np.ones((2, 2), bool)] * 2, names=names)
    if names is None:
        results.particles = results.particles.drop(columns="instance")
    write_rois(results, tmp_path / "set.zip")
    found = read_rois(tmp_path / "set.zip")
    assert [instance.name for instance in found] == expected


@settings(deadline=None)
@given(mask=random_masks)
def test_any_mask_and_back(mask, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.zip"
    results = make_results([mask], [(31, 7)])
    write_rois(results, path)
    check_same(read_rois(path), results)


def test_masks_that_positions_of_16_bits_do_not_reach(tmp_path):
    masks = [np.ones((2, 3), bool), np.ones((70000, 2), bool), np.ones((2, 2), bool)]
    # A ring of more corners than 16 bits count: the teeth of a comb.
    comb = np.zeros((2, 40001), bool)
    comb[0], comb[1, ::2] = True, True
    places = [(70000, 60000), (5, 6), (-6000, 3), (2, 1)]
    results = make_results([*masks, comb], places)
    write_rois(results, tmp_path / "set.zip")
    check_same(read_rois(tmp_path / "set.zip"), results)


def test_names_that_are_no_file_names(tmp_path):
    labels = ["a/b\nclass: c", "A\\b?class: c", "zerstört", "\U0001f600", "x" * 300]
    names = ["n", "N", "ä", "n", "n"]
    results = make_results(
        [np.ones((2, 2), bool)] * 5, labels=labels, names=np.array(names, object)
    )
    write_rois(results, tmp_path / "set.zip")
    check_same(read_rois(tmp_path / "set.zip"), results)
    members = zipfile.ZipFile(tmp_path / "set.zip").namelist()
    assert members[:3] == [
        "n a_b_class_ c.roi",
        "N A_b_class_ c-2.roi",
        "ä zerstört.roi",
    ]
    assert members[3] == "n _.roi"
    # ImageJ reads properties as ASCII with such codes, and stores the text itself.
    rois = roifile.roiread(tmp_path / "set.zip")
    assert rois[2].props == "class: zerst\\u00f6rt\ninstance: \\u00e4\n"
    assert rois[3].props == "class: \\ud83d\\ude00\ninstance: n\n"
    rois[2].props = "class: zerstört\ninstance: ä\n"
    assert read(rois[2], tmp_path).label == "zerstört"


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/emps_micrographs")
@pytest.mark.parametrize(
    "path",
    sorted((DATA / "emps_micrographs").glob("*_instances.png")),
    ids=lambda path: path.stem,
)
def test_no_pixel_of_real_labels_is_lost(path, tmp_path):
    results, labels = label_results(path)
    write_rois(results, tmp_path / "set.zip")
    found = read_rois(tmp_path / "set.zip")
    np.testing.assert_array_equal(lay_out(found, labels), labels)


def test_an_archive_with_a_file_of_no_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), b"")
    assert read_rois(tmp_path / "a.zip") == []
