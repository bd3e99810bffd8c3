import ast
import shutil
import sys
import types
import warnings
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tifffile
from packaging.version import Version

from sklipo.datasets import Micrograph, read_micrograph

EM_FORMATS = Path(__file__).resolve().parents[2] / "shared" / "data" / "em_formats"
needs_data = pytest.mark.skipif(
    not EM_FORMATS.is_dir(), reason="needs ../shared/data/em_formats"
)
NM = {"nm": 1, "µm": 1000, "pm": 0.001, "A": 0.1}


def expected_files():
    if not EM_FORMATS.is_dir():
        return []
    table = pd.read_csv(EM_FORMATS / "expected.csv")
    return [pytest.param(row, id=row.file) for row in table.itertuples()]


def read_frames(path, n_frames):
    """All pixels of a file, and the pixel sizes that were found."""
    if n_frames is None:
        micrograph = read_micrograph(path)
        return micrograph.pixels, [micrograph.pixel_size]
    frames = [read_micrograph(path, frame=i) for i in range(n_frames)]
    return np.stack([m.pixels for m in frames]), [m.pixel_size for m in frames]


@needs_data
@pytest.mark.parametrize("row", expected_files())
def test_files_of_microscopes_are_read_as_expected(row):
    path = EM_FORMATS / row.file
    shape, axes = (
        ast.literal_eval(row.shape),
        ast.literal_eval(row.axes_name_scale_unit_size),
    )
    (_, height, y_unit, _), (_, width, x_unit, _) = axes[-2:]
    n_frames = shape[0] if len(shape) == 3 else None
    if x_unit == "eV":
        with pytest.raises(ValueError, match=r"not an image.*'Energy loss'"):
            read_micrograph(path)
        return
    if x_unit in NM and height * NM[y_unit] != width * NM[x_unit]:
        with pytest.raises(ValueError, match=r"nm high and .* nm wide, expected"):
            read_micrograph(path, frame=n_frames and 0)
        return
    if x_unit == "1/nm":
        with pytest.warns(UserWarning, match=r"left unknown.*'1/nm'"):
            read_micrograph(path)
    with warnings.catch_warnings():
        if x_unit == "1/nm":
            warnings.simplefilter("ignore", UserWarning)
        pixels, pixel_sizes = read_frames(path, n_frames)
    assert pixels.shape == shape
    is_velox_stack = row.reader == "rosettasciio" and row.file.endswith("stack.emd")
    if not (is_velox_stack and Version(version("rosettasciio")) < Version("0.15")):
        # Before 0.15 RosettaSciIO made float64 of these.
        assert pixels.dtype == row.dtype
    assert (pixels.min(), pixels.max()) == (row.min, row.max)
    # expected.csv rounds to 8 decimals of the file's own unit.
    known = x_unit in NM
    expected = (
        pytest.approx(width * NM[x_unit], abs=1e-8 * NM[x_unit]) if known else None
    )
    assert pixel_sizes == [expected] * len(pixel_sizes)


@needs_data
def test_all_formats_are_among_the_expected_files():
    suffixes = {Path(row.values[0].file).suffix for row in expected_files()}
    assert suffixes >= {".mrc", ".map", ".dm3", ".dm4", ".ser", ".emi", ".emd", ".tif"}


@needs_data
def test_a_stack_needs_a_frame_within():
    path = EM_FORMATS / "openNCEM" / "temp.mrc"
    with pytest.raises(ValueError, match=r"temp.mrc.*3 images, shape \(3, 128, 128\)"):
        read_micrograph(path)
    for frame in (3, -1):
        with pytest.raises(ValueError, match=f"frame={frame}, expected 0 to 2"):
            read_micrograph(path, frame=frame)
    with pytest.raises(ValueError, match=r"frame=0 is given, .* no stack"):
        read_micrograph(EM_FORMATS / "rosettasciio" / "HAADFscan.mrc", frame=0)


@needs_data
@pytest.mark.parametrize(
    "file", ["rosettasciio/HAADFscan.mrc", "rosettasciio/test_STEM_image.dm3"]
)
def test_a_truncated_file_of_a_microscope_is_named(tmp_path, file):
    path = tmp_path / Path(file).name
    data = (EM_FORMATS / file).read_bytes()
    path.write_bytes(data[: len(data) // 3])
    with pytest.raises(ValueError, match=f"{path.name}' can't be read: damaged"):
        read_micrograph(path)


@needs_data
def test_a_folder_named_movie_changes_nothing(tmp_path):
    # rsciio's MRC reader looks for the files of a DE movie beside such a one.
    (tmp_path / "movie").mkdir()
    source = EM_FORMATS / "rosettasciio" / "HAADFscan.mrc"
    copied = read_micrograph(shutil.copy(source, tmp_path / "movie" / "a.mrc"))
    np.testing.assert_array_equal(copied.pixels, read_micrograph(source).pixels)


@needs_data
@pytest.mark.parametrize(
    "file, plugin",
    [
        ("rosettasciio/test-1.dm3", "digitalmicrograph"),
        ("rosettasciio/example_image.emd", "emd"),
    ],
)
def test_a_missing_extra_is_named(monkeypatch, file, plugin):
    monkeypatch.setitem(sys.modules, f"rsciio.{plugin}", None)
    message = rf"not installed \(rsciio.{plugin}\): pip install sklipo\[em\]"
    with pytest.raises(ImportError, match=message):
        read_micrograph(EM_FORMATS / file)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_pictures_keep_their_pixels(tmp_path, suffix):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5), dtype=np.uint8)
    path = tmp_path / f"micrograph{suffix}"
    save = tifffile.imwrite if suffix == ".tif" else cv2.imwrite
    save(path, pixels)
    micrograph = read_micrograph(path)
    assert isinstance(micrograph, Micrograph)
    assert micrograph.pixel_size is None
    np.testing.assert_array_equal(micrograph.pixels, pixels)


def test_a_jpeg_is_what_opencv_decodes(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5), dtype=np.uint8)
    cv2.imwrite(tmp_path / "micrograph.jpg", pixels)
    found = read_micrograph(tmp_path / "micrograph.jpg").pixels
    reference = cv2.imread(tmp_path / "micrograph.jpg", cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(found, reference)


def write_imagej(path, unit, height=0.5, width=0.5):
    """A TIFF as ImageJ writes it; the reference is ImageJ's own metadata format."""
    tifffile.imwrite(
        path,
        np.arange(20, dtype=np.float32).reshape(4, 5),
        imagej=True,
        resolution=(1 / width, 1 / height),
        metadata={"unit": unit},
    )


@pytest.mark.parametrize(
    "unit, nm",
    [
        ("pm", 0.001),
        ("A", 0.1),
        ("nm", 1),
        ("um", 1e3),
        ("micron", 1e3),
        ("\\u00B5m", 1e3),
        ("mm", 1e6),
    ],
)
def test_units_of_imagej_become_nm(tmp_path, unit, nm):
    write_imagej(tmp_path / "a.tif", unit)
    assert read_micrograph(tmp_path / "a.tif").pixel_size == pytest.approx(0.5 * nm)


@pytest.mark.parametrize("unit, size", [("m", 0.5), ("pm", 1e-3), ("nm", 1e9)])
def test_a_size_beyond_any_microscope_is_left_unknown(tmp_path, unit, size):
    write_imagej(tmp_path / "a.tif", unit, size, size)
    with pytest.warns(UserWarning, match=r"a.tif.* states .* expected between") as seen:
        assert read_micrograph(tmp_path / "a.tif").pixel_size is None
    assert seen[0].filename == __file__


def test_a_unit_of_no_length_on_the_specimen_is_warned_of(tmp_path):
    write_imagej(tmp_path / "a.tif", "inch")
    with pytest.warns(UserWarning, match=r"a.tif.*'inch'.*print") as seen:
        assert read_micrograph(tmp_path / "a.tif").pixel_size is None
    assert seen[0].filename == __file__


def test_no_unit_is_no_pixel_size(tmp_path):
    write_imagej(tmp_path / "a.tif", "pixel")
    assert read_micrograph(tmp_path / "a.tif").pixel_size is None


def test_pixels_may_differ_from_squares_by_one_percent(tmp_path):
    write_imagej(tmp_path / "a.tif", "nm", height=0.5, width=0.504)
    # ImageJ's resolution is a fraction of 32-bit integers.
    expected = pytest.approx(np.sqrt(0.5 * 0.504), rel=1e-6)
    assert read_micrograph(tmp_path / "a.tif").pixel_size == expected
    write_imagej(tmp_path / "a.tif", "nm", height=0.5, width=0.52)
    with pytest.raises(ValueError, match=r"0.5 nm high and 0.52 nm wide"):
        read_micrograph(tmp_path / "a.tif")


def test_the_resolution_of_a_print_is_no_pixel_size(tmp_path):
    path = tmp_path / "a.tif"
    pixels = np.zeros((4, 5), np.uint8)
    tifffile.imwrite(path, pixels, resolution=(300, 300), resolutionunit="INCH")
    assert read_micrograph(path).pixel_size is None


def test_of_several_images_the_first_is_read_with_a_warning(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(np.ones((4, 5), np.uint8))
        tiff.write(np.zeros((8, 9), np.uint8))
    with pytest.warns(UserWarning, match=r"2 images, of shapes .*; image=0") as seen:
        assert read_micrograph(tmp_path / "a.tif").pixels.shape == (4, 5)
    assert seen[0].filename == __file__
    assert read_micrograph(tmp_path / "a.tif", image=1).pixels.shape == (8, 9)
    with pytest.raises(ValueError, match=r"image=2 is in it 0 times, .* 2 images"):
        read_micrograph(tmp_path / "a.tif", image=2)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_equal_color_channels_are_gray_and_others_an_error(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    gray = np.random.default_rng(0).integers(0, 256, (7, 5), dtype=np.uint8)
    channels = np.dstack([gray] * 3)
    save = tifffile.imwrite if suffix == ".tif" else cv2.imwrite
    save(path, channels)
    np.testing.assert_array_equal(read_micrograph(path).pixels, gray)
    channels[2, 3, 1] ^= 1
    save(path, channels)
    with pytest.raises(ValueError, match=f"a{suffix}.*color.*IMREAD_GRAYSCALE"):
        read_micrograph(path)


def test_bad_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.png"):
        read_micrograph(tmp_path / "nowhere.png")
    (tmp_path / "empty.png").touch()
    with pytest.raises(ValueError, match=r"empty.png' can't be read: empty file"):
        read_micrograph(tmp_path / "empty.png")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(ValueError, match=r"text.png' can't be read: unreadable"):
        read_micrograph(tmp_path / "text.png")
    (tmp_path / "text.tif").write_text("no image")
    with pytest.raises(ValueError, match=r"text.tif' can't be read: unreadable"):
        read_micrograph(tmp_path / "text.tif")
    tifffile.imwrite(tmp_path / "cut.tif", np.zeros((9, 9)))
    data = (tmp_path / "cut.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(data[:-9])
    with pytest.raises(ValueError, match=r"cut.tif' can't be read: damaged"):
        read_micrograph(tmp_path / "cut.tif")


def test_complex_pixels_are_an_error(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 5), np.complex64))
    with pytest.raises(ValueError, match=r"complex64 pixels, expected"):
        read_micrograph(tmp_path / "a.tif")


def signal(title, dtype, unit="nm", scale=0.5):
    """What RosettaSciIO returns for one image."""
    axes = [{"name": n, "navigate": False, "scale": scale, "units": unit} for n in "yx"]
    data = np.full((4, 5), len(title), dtype)
    return {"data": data, "axes": axes, "metadata": {"General": {"title": title}}}


def fake_reader(monkeypatch, plugin, signals):
    module = types.ModuleType(f"rsciio.{plugin}")
    module.file_reader = lambda path, **options: signals
    monkeypatch.setitem(sys.modules, f"rsciio.{plugin}", module)


def test_of_a_velox_file_the_image_that_was_taken_is_read(tmp_path, monkeypatch):
    path = tmp_path / "a.emd"
    path.write_bytes(b"not read by the fake")
    signals = [
        signal("Half FFT", np.complex64, "1/nm"),
        signal("C", np.float32),
        signal("Ca", np.float32),
        signal("HAADF", np.uint16),
    ]
    fake_reader(monkeypatch, "emd", signals)
    found = read_micrograph(path)
    assert (found.pixels == 5).all() and found.pixel_size == 0.5
    for image in ("Ca", 2):
        assert (read_micrograph(path, image=image).pixels == 2).all()
    with pytest.raises(ValueError, match=r"image='O' .*'Half FFT', 'C', 'Ca', 'HAADF'"):
        read_micrograph(path, image="O")
    with pytest.raises(ValueError, match=r"complex64 pixels"):
        read_micrograph(path, image=0)
    fake_reader(monkeypatch, "emd", [*signals, signal("BF", np.uint16)])
    with pytest.warns(UserWarning, match=r"5 images, .*'BF'.*image=3 is read") as seen:
        read_micrograph(path)
    assert seen[0].filename == __file__


def test_a_package_that_a_reader_needs_is_named(tmp_path, monkeypatch):
    path = tmp_path / "a.emd"
    path.write_bytes(b"not read by the fake")

    def reader(path, **options):
        raise ModuleNotFoundError("The 'sparse' library was not found.")

    fake_reader(monkeypatch, "emd", [])
    sys.modules["rsciio.emd"].file_reader = reader
    with pytest.raises(ImportError, match=r"a.emd' needs .*'sparse'.* sklipo\[em\]"):
        read_micrograph(path)


def test_an_axis_without_equal_steps_is_no_key_error(tmp_path, monkeypatch):
    path = tmp_path / "a.ser"
    path.write_bytes(b"not read by the fake")
    uneven = signal("", np.uint16)
    uneven["axes"] = [{"name": "y", "units": "nm"}, uneven["axes"][1]]
    fake_reader(monkeypatch, "tia", [uneven])
    with pytest.warns(UserWarning, match="left unknown"):
        assert read_micrograph(path).pixel_size is None


@pytest.mark.parametrize(
    "parameters, error, message",
    [
        ({"path": 3}, TypeError, "path is 3"),
        ({"path": None}, TypeError, "path is None"),
        ({"frame": 1.0}, TypeError, "frame is 1.0"),
        ({"frame": "0"}, TypeError, "frame is '0'"),
        ({"frame": True}, TypeError, "frame is True"),
        ({"image": 1.5}, TypeError, "image is 1.5"),
        ({"image": 1}, ValueError, "image=1 is in it 0 times"),
        ({"max_pixels": "many"}, TypeError, "max_pixels is 'many'"),
        ({"max_pixels": 0}, ValueError, "max_pixels is 0"),
        ({"max_pixels": np.nan}, ValueError, "max_pixels is nan"),
        ({"max_pixels": 5}, ValueError, "more than max_pixels=5"),
    ],
)
def test_bad_parameters(tmp_path, parameters, error, message):
    path = tmp_path / "a.png"
    cv2.imwrite(path, np.zeros((2, 3), np.uint8))
    with pytest.raises(error, match=message):
        read_micrograph(**{"path": path} | parameters)
    assert read_micrograph(path, max_pixels=np.inf).pixels.shape == (2, 3)
