import struct
import subprocess
import sys
import warnings

import numpy as np
import pytest
import tifffile
from dataset_cases import turned

from sklipo.datasets import read_micrograph
from sklipo.datasets._pixel_files import read_pixels

GRAY = np.random.default_rng(0).integers(0, 200, (9, 13), np.uint8)
RAMP = np.stack([np.arange(256, dtype=np.uint16) * 257] * 3)
COLORS = RAMP * np.array([[1], [0], [0]], np.uint16)


def write(path, pixels=GRAY, **options):
    tifffile.imwrite(path, pixels, **options)
    return path


# Options of tifffile.imwrite, and what the stored values are.
STORED = {
    "white is 0": ({"photometric": "miniswhite"}, GRAY),
    "LZW": ({"compression": "lzw"}, GRAY),
    "LZW, white is 0": ({"compression": "lzw", "photometric": "miniswhite"}, GRAY),
    "LZW, palette": (
        {"compression": "lzw", "photometric": "palette", "colormap": RAMP},
        GRAY,
    ),
    "LZW, turned": ({"compression": "lzw", "extratags": [(274, 3, 1, 6, True)]}, None),
    "gray palette": ({"photometric": "palette", "colormap": RAMP}, GRAY),
    "turned palette": (
        {"photometric": "palette", "colormap": RAMP[:, ::-1]},
        255 - GRAY,
    ),
    "big-endian": ({"byteorder": ">", "compression": "zlib", "predictor": True}, GRAY),
    "tiles": ({"tile": (16, 16)}, GRAY),
    "BigTIFF": ({"bigtiff": True}, GRAY),
}


@pytest.mark.parametrize("kind", STORED)
def test_the_stored_values_are_read(tmp_path, kind):
    options, expected = STORED[kind]
    path = write(tmp_path / "a.tif", **options)
    expected = np.rot90(GRAY, -1) if expected is None else expected
    np.testing.assert_array_equal(read_micrograph(path).pixels, expected)
    np.testing.assert_array_equal(read_pixels(path), expected)


def test_the_decoder_makes_no_difference(tmp_path):
    kinds = [kind for kind in STORED if kind.startswith("LZW")]
    code = ["import sys; sys.modules['imagecodecs'] = None; import numpy as np"]
    code += ["from sklipo.datasets import read_micrograph"]
    expected = []
    for i, kind in enumerate(kinds):
        path = write(tmp_path / f"{i}.tif", **STORED[kind][0])
        expected.append(read_micrograph(path).pixels)
        code += [f"np.save({str(path)!r} + '.npy', read_micrograph({str(path)!r})[0])"]
    subprocess.run([sys.executable, "-c", "\n".join(code)], check=True)
    for i, pixels in enumerate(expected):
        np.testing.assert_array_equal(np.load(tmp_path / f"{i}.tif.npy"), pixels)


def test_a_missing_codec_is_named(tmp_path, monkeypatch):
    path = write(tmp_path / "a.tif", GRAY.astype(np.float16), compression="lzw")

    def decode(*args, **kwargs):
        raise ValueError("requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffFile, "asarray", decode)
    with pytest.raises(ImportError, match=r"a.tif.* imagecodecs, .*sklipo\[em\]"):
        read_micrograph(path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_tag_of_the_orientation(tmp_path, orientation):
    tag = (274, 3, 1, orientation, True)
    path = write(tmp_path / "a.tif", extratags=[tag])
    pixels = read_micrograph(path).pixels
    np.testing.assert_array_equal(pixels, turned(GRAY, orientation))


@pytest.mark.parametrize("metadata", [{}, None])
@pytest.mark.parametrize(
    "shape", [(9, 13, 1), (1, 9, 13), (1, 9, 13, 1), (1, 1, 9, 13)]
)
def test_axes_of_length_one_make_no_stack(tmp_path, shape, metadata):
    path = write(tmp_path / "a.tif", GRAY.reshape(shape), metadata=metadata)
    np.testing.assert_array_equal(read_micrograph(path).pixels, GRAY)


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]
)
def test_each_dtype(tmp_path, dtype):
    pixels = (GRAY > 99 if dtype == "?" else GRAY).astype(dtype)
    found = read_micrograph(write(tmp_path / "a.tif", pixels)).pixels
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, pixels)


def test_hyperstacks_are_numbered_through(tmp_path):
    stack = np.arange(24 * 20, dtype=np.uint16).reshape(2, 3, 4, 4, 5)
    path = write(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "TZCYX"})
    for frame in (0, 13, 23):
        found = read_micrograph(path, frame=frame).pixels
        np.testing.assert_array_equal(found, stack.reshape(-1, 4, 5)[frame])
    with pytest.raises(ValueError, match="24 images"):
        read_micrograph(path)


@pytest.mark.parametrize("n_images", [2, 3, 4])
def test_stacks_are_no_planes_of_colors(tmp_path, n_images):
    stack = np.stack([GRAY + i for i in range(n_images)])
    with warnings.catch_warnings():
        # tifffile itself will change that.
        warnings.simplefilter("ignore", DeprecationWarning)
        path = write(tmp_path / "a.tif", stack)
    for i, expected in enumerate(stack):
        found = read_micrograph(path, frame=i, max_pixels=stack.size).pixels
        np.testing.assert_array_equal(found, expected)


def test_of_a_stack_only_the_frame_counts_for_the_limit(tmp_path):
    stack = np.stack([GRAY, GRAY])
    path = write(tmp_path / "a.tif", stack, photometric="minisblack")
    assert read_micrograph(path, frame=1, max_pixels=117).pixels.shape == GRAY.shape
    with pytest.raises(ValueError, match=r"9 x 13 = 117 pixels, more than max_pixels"):
        read_micrograph(path, frame=1, max_pixels=116)


@pytest.mark.parametrize("preview_first", [True, False])
def test_previews_are_passed_over(tmp_path, preview_first):
    pages = [(GRAY[::2, ::2], {"subfiletype": 1}), (GRAY, {})]
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for pixels, options in pages if preview_first else pages[::-1]:
            tiff.write(pixels, **options)
    np.testing.assert_array_equal(read_micrograph(tmp_path / "a.tif").pixels, GRAY)


REFUSED = {
    "colors of a palette": {"photometric": "palette", "colormap": COLORS},
    "color image": {"pixels": np.dstack([GRAY, GRAY, 1 - GRAY]), "photometric": "rgb"},
    "SEPARATED colors": {"pixels": np.dstack([GRAY] * 4), "photometric": "separated"},
    "transparency": {
        "pixels": np.dstack([GRAY, GRAY]),
        "photometric": "minisblack",
        "extrasamples": ["unassalpha"],
    },
}


@pytest.mark.parametrize("reason", REFUSED)
def test_colors_are_refused(tmp_path, reason):
    path = write(tmp_path / "a.tif", **REFUSED[reason])
    with pytest.raises(ValueError, match=reason):
        read_micrograph(path)


def test_colors_of_a_palette_are_labels_or_how_imagej_shows_values(tmp_path):
    path = write(tmp_path / "a.tif", photometric="palette", colormap=COLORS)
    np.testing.assert_array_equal(read_pixels(path, lossless=True), GRAY)
    write(path, imagej=True, photometric="palette", colormap=COLORS)
    np.testing.assert_array_equal(read_micrograph(path).pixels, GRAY)


def as_palette(path, pixels, palette):
    """Write a TIFF, and only then call its pixels the numbers of a palette."""
    tag = (320, "H", len(palette), palette, True)
    write(path, pixels, photometric="minisblack", extratags=[tag] if palette else [])
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags["PhotometricInterpretation"].overwrite(3)
    return path


@pytest.mark.parametrize("palette, white", [((0, 2**16 - 1), 1), ((2**16 - 1, 0), 0)])
def test_one_bit_with_a_palette(tmp_path, palette, white):
    bits = np.eye(9, 11, dtype=bool)
    path = as_palette(tmp_path / "a.tif", bits, palette * 3)
    expected = np.where(bits == white, 255, 0)
    np.testing.assert_array_equal(read_micrograph(path).pixels, expected)
    np.testing.assert_array_equal(read_pixels(path, lossless=True), expected)


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4"])
@pytest.mark.parametrize("palette", [(), (0, 9) * 3, (7,) * 3, (1,) * 10])
def test_a_palette_without_colors_of_the_pixels_is_damaged(
    tmp_path, palette, dtype, lossless
):
    pixels = np.arange(20).reshape(4, 5).astype(dtype)
    path = as_palette(tmp_path / "a.tif", pixels, palette)
    with pytest.raises(ValueError, match="its palette does not have all colors"):
        read_pixels(path, lossless=lossless)


def test_jpeg_within_tiff_is_lossy(tmp_path):
    path = write(tmp_path / "a.tif", np.zeros((16, 16), np.uint8), compression="jpeg")
    read_pixels(path)
    with pytest.raises(ValueError, match="JPEG changes pixels"):
        read_pixels(path, lossless=True)


JEOL = """<?xml version="1.0"?><TemReporter><Eos><EosMode>eosTEM</EosMode></Eos>
<ImageFormingSystem><ModeString>{mode}</ModeString><SelectorValue>50000</SelectorValue>
</ImageFormingSystem></TemReporter>"""


def ome(size):
    unit = {f"PhysicalSize{axis}Unit": "nm" for axis in "XY"}
    return {"axes": "YX", "PhysicalSizeX": size, "PhysicalSizeY": size, **unit}


def text(tag, value):
    return (tag, 2, 0, value, True)


@pytest.mark.parametrize(
    "options",
    [
        {"ome": True, "metadata": ome(0.5)},
        {
            "description": JEOL.format(mode="MAG"),
            "extratags": [text(271, "JEOL Ltd.")],
            # 400 pixels in a cm, 50,000 times magnified: 0.5 nm.
            "resolution": (400, 400),
            "resolutionunit": "CENTIMETER",
            "metadata": None,
        },
        {
            "extratags": [
                text(65003, "nm"),
                text(65004, "nm"),
                (65009, 12, 1, 0.5, True),
                (65010, 12, 1, 0.5, True),
            ]
        },
    ],
    ids=["OME", "JEOL", "DigitalMicrograph"],
)
def test_pixel_sizes_of_programs(tmp_path, options):
    path = write(tmp_path / "a.tif", **options)
    assert read_micrograph(path).pixel_size == pytest.approx(0.5)


@pytest.mark.parametrize(
    "unit, nm",
    [
        ("nm", 1),
        ("nanometers", 1),
        ("Nanometre", 1),
        ("Angstrom", 0.1),
        ("angstroms", 0.1),
        ("\\u00B5m", 1000),
        ("Microns", 1000),
        ("micrometer", 1000),
        ("millimetres", 1e6),
        ("pm", 0.001),
    ],
)
def test_units_that_people_write_into_imagej(tmp_path, unit, nm):
    options = {"imagej": True, "metadata": {"unit": unit}, "resolution": (2, 2)}
    path = write(tmp_path / "a.tif", **options)
    assert read_micrograph(path).pixel_size == pytest.approx(0.5 * nm)


@pytest.mark.parametrize(
    "unit, nm",
    [
        ("NM", 1),
        ("UM", 1000),
        ("µm", 1000),
        ("\u03bcm", 1000),
        ("&#181;m", 1000),
        ("&micro;m", 1000),
        ("\\u00b5M", 1000),
        ("Å", 0.1),
        ("\u212b", 0.1),
        ("&#xC5;", 0.1),
        ("Ångström", 0.1),
        ("A", 0.1),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_units_in_any_spelling_and_encoding(tmp_path, unit, nm, encoding):
    description = f"ImageJ=1.54f\r\nunit={unit} \r\n".encode(encoding, "replace")
    if b"?" in description:
        pytest.skip("no character of this encoding")
    options = {"description": description, "metadata": None, "resolution": (2, 2)}
    path = write(tmp_path / "a.tif", **options)
    assert read_micrograph(path).pixel_size == pytest.approx(0.5 * nm)


@pytest.mark.parametrize(
    "lines, expected",
    [("unit=nm\nyunit=um", 0.5), ("unit=pixel\nyunit=px", None), ("min=0", None)],
)
def test_imagej_states_the_unit_of_an_axis_if_it_is_another(tmp_path, lines, expected):
    options = {"description": f"ImageJ=1.54f\n{lines}\n", "resolution": (2, 2000)}
    path = write(tmp_path / "a.tif", metadata=None, **options)
    assert read_micrograph(path).pixel_size == expected


OME = """<?xml version="1.0" encoding="UTF-8"?>
<{0}OME xmlns{1}="http://www.openmicroscopy.org/Schemas/OME/2016-06">
<{0}Image ID="Image:0"><{0}Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8"
SizeX="13" SizeY="9" SizeZ="1" SizeC="1" SizeT="1" {2}><{0}Channel ID="Channel:0:0"/>
<{0}TiffData IFD="0" PlaneCount="1"/></{0}Pixels></{0}Image></{0}OME>"""


def write_ome(path, attributes, prefix=""):
    xml = OME.format(prefix, f":{prefix[:-1]}" if prefix else "", attributes)
    return write(path, description=xml.encode(), metadata=None)


@pytest.mark.parametrize(
    "attributes, expected",
    [
        ('PhysicalSizeX="5E-4" PhysicalSizeY="5e-4"', 0.5),
        ("PhysicalSizeX='.5' PhysicalSizeXUnit='nm'", 0.5),
        ('PhysicalSizeY=" 0.5 " PhysicalSizeYUnit="nm"', 0.5),
        ('PhysicalSizeX = "0.5"\n PhysicalSizeXUnit\n=\n"nm" PhysicalSizeY="0.5"', 0.5),
        ('PhysicalSizeX="2" PhysicalSizeXUnit="&#181;m" PhysicalSizeY="2"', 2000),
        ('PhysicalSizeX="2" PhysicalSizeXUnit="&#xC5;" PhysicalSizeYUnit="Å"', 0.2),
        ('PhysicalSizeX="2" PhysicalSizeXUnit="pixel"', None),
        ('PhysicalSizeX="2" PhysicalSizeXUnit="reference frame"', None),
        ('PhysicalSizeX="" PhysicalSizeY=""', None),
        ('PhysicalSizeX="two"', None),
        ("", None),
    ],
)
@pytest.mark.parametrize("prefix", ["", "ome:"])
def test_sizes_of_ome(tmp_path, attributes, expected, prefix):
    path = write_ome(tmp_path / "a.tif", attributes, prefix)
    found = read_micrograph(path).pixel_size
    assert found == (expected and pytest.approx(expected))


@pytest.mark.parametrize("size", ["0", "-1", "NaN", "INF", "1e400"])
def test_sizes_of_ome_that_can_not_be_true(tmp_path, size):
    path = write_ome(tmp_path / "a.tif", f'PhysicalSizeX="{size}"')
    with pytest.warns(UserWarning, match=r"a.tif' is left unknown: .* states .* µm,"):
        assert read_micrograph(path).pixel_size is None


def test_units_of_both_axes_are_compared_in_nm(tmp_path):
    sizes = 'PhysicalSizeX="0.5" PhysicalSizeXUnit="µm" PhysicalSizeY="{}" '
    sizes += 'PhysicalSizeYUnit="nm"'
    path = write_ome(tmp_path / "a.tif", sizes.format(500))
    assert read_micrograph(path).pixel_size == pytest.approx(500)
    write_ome(path, sizes.format(510))
    with pytest.raises(ValueError, match=r"are 510 nm high and 500 nm wide, .* square"):
        read_micrograph(path)
    # A number that the user gives goes before what the file states.
    assert read_micrograph(path, pixel_size=500).pixel_size == 500


def test_each_image_of_ome_has_its_own_size(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, ome=True) as tiff:
        for size in (0.5, 3):
            tiff.write(GRAY, metadata=ome(size))
    for image, size in enumerate((0.5, 3)):
        assert read_micrograph(path, image=image).pixel_size == pytest.approx(size)
    write(path, np.stack([GRAY] * 3), ome=True, metadata=ome(2) | {"axes": "ZYX"})
    assert read_micrograph(path, frame=2).pixel_size == pytest.approx(2)


def test_a_diffraction_pattern_of_jeol_has_no_pixel_size(tmp_path):
    tags = [text(271, "JEOL Ltd.")]
    description = JEOL.format(mode="DIFF")
    path = write(tmp_path / "a.tif", description=description, extratags=tags)
    with pytest.warns(UserWarning, match="1/nm"):
        assert read_micrograph(path).pixel_size is None


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_flipped_bytes_are_an_error_or_an_image(tmp_path, options):
    data = bytearray(write(tmp_path / "a.tif", **options).read_bytes())
    for place in range(len(data)):
        data[place] ^= 0x81
        (tmp_path / "a.tif").write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                read_micrograph(tmp_path / "a.tif", max_pixels=10_000)
            except ValueError as error:
                assert "can't be read" in str(error)
            except ImportError as error:
                assert "imagecodecs" in str(error)
        data[place] ^= 0x81


def test_a_bomb_is_refused(tmp_path):
    path = write(tmp_path / "a.tif", compression="zlib", metadata=None)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        for tag in ("ImageWidth", "ImageLength"):
            place = tiff.pages[0].tags[tag].valueoffset
            struct.pack_into("<H", data, place, 60_000)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"60000 x 60000 = 3600000000 pixels"):
        read_micrograph(path)
