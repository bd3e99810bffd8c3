import zlib
from base64 import b64encode
from importlib.resources import files

import numpy as np
import pytest
import tifffile
from page_cases import (
    evaluate,
    make_particles,
    needs_browser,
    write_particles,
    write_png,
)
from PIL import Image

from sklipo.datasets import extract_particles
from sklipo.datasets._pixel_files import read_pixels

LIBRARIES = files("sklipo.export._page") / "libraries"


@pytest.fixture(scope="module")
def particles():
    return make_particles()


READ = """Promise.all(values.map(async ([text, lossless]) => {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const picture = await module.readPicture(new Blob([bytes]), lossless)
        .catch(({ message }) => ({ message, data: [] }));
    return { ...picture, data: [...picture.data] }; }))"""


def read_in_browser(browser, paths):
    before = (LIBRARIES / "libraries.js").read_text(encoding="utf-8")
    values = [
        (b64encode(path.read_bytes()).decode(), "labels" in path.name) for path in paths
    ]
    return evaluate(browser, "worker/reading.js", READ, *values, before=before)


def write_tiffs(folder):
    rng = np.random.default_rng(0)
    shape = 37, 45
    for kind in ("u1", "u2", "u4", "i2", "f4", "f8", "?"):
        pixels = (rng.random(shape) * 200).astype(kind)
        for order in "<>":
            name = f"{kind.replace('?', 'bool')}{'le' if order == '<' else 'be'}.tif"
            tifffile.imwrite(folder / name, pixels, byteorder=order)
    wide = (rng.random(shape) * 60000).astype(np.uint16)
    options = {
        "lzw": {"compression": "lzw"},
        "lzw_predictor": {"compression": "lzw", "predictor": True},
        "deflate": {"compression": "zlib", "predictor": True},
        "packbits": {"compression": "packbits"},
        "tiled": {"tile": (16, 16), "compression": "zlib"},
        "big": {"bigtiff": True},
        "strips": {"rowsperstrip": 5},
        "white_is_zero": {"photometric": "miniswhite"},
        "turned": {"extratags": [(274, "H", 1, 6, True)]},
    }
    for name, option in options.items():
        tifffile.imwrite(folder / f"{name}.tif", wide, **option)
    floats = wide.astype(np.float32)
    tifffile.imwrite(
        folder / "float_predictor.tif", floats, compression="zlib", predictor=3
    )
    color = np.repeat(wide[..., np.newaxis], 3, axis=2)
    tifffile.imwrite(folder / "rgb.tif", color, photometric="rgb")


def write_pngs(folder):
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 256, (31, 43)).astype(np.uint8)
    wide = rng.integers(0, 65536, gray.shape).astype(np.uint16)
    write_png(folder / "u1.png", gray)
    write_png(folder / "u2.png", wide)
    write_png(folder / "rgb.png", np.repeat(gray[..., np.newaxis], 3, axis=2))
    opaque = np.dstack([gray, gray, gray, np.full_like(gray, 255)])
    write_png(folder / "alpha.png", opaque)
    Image.fromarray(opaque[..., 2:], "LA").save(folder / "gray_alpha.png")
    Image.fromarray(gray // 2).save(folder / "transparent.png", transparency=200)
    Image.fromarray(gray > 100).save(folder / "bits_1.png")
    palette = Image.fromarray(gray % 4, "P")
    palette.putpalette([0, 0, 0, 90, 90, 90, 170, 170, 170, 255, 255, 255])
    palette.save(folder / "gray_palette.png", bits=2)
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.save(folder / "labels_palette.png", bits=4)
    Image.fromarray(gray).resize((43, 31)).save(
        folder / "orientation.png", exif=_exif(6)
    )


def _exif(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif


@needs_browser
@pytest.mark.parametrize("write", [write_tiffs, write_pngs])
def test_pixels_are_those_that_python_reads(browser, tmp_path, write):
    write(tmp_path)
    paths = sorted(tmp_path.iterdir())
    assert len(paths) > 5
    for path, found in zip(paths, read_in_browser(browser, paths), strict=True):
        expected = read_pixels(path, lossless="labels" in path.name)
        assert found.get("type") == str(expected.dtype), (path, found)
        pixels = np.array(found["data"]).reshape(found["height"], found["width"])
        np.testing.assert_array_equal(pixels, expected, err_msg=str(path))


def damage(data, rng):
    """Return a file cut off somewhere, or with a byte changed."""
    place = int(rng.integers(4, len(data)))
    if rng.random() < 0.5:
        return data[:place]
    return (
        data[:place] + bytes([data[place] ^ 1 << rng.integers(8)]) + data[place + 1 :]
    )


@needs_browser
def test_damaged_files_are_refused_or_read_as_python_does(browser, tmp_path):
    rng = np.random.default_rng(0)
    for write in (write_tiffs, write_pngs):
        write(tmp_path)
    paths = []
    for path in sorted(tmp_path.iterdir()):
        damaged = path.with_stem(f"damaged_{path.stem}")
        damaged.write_bytes(damage(path.read_bytes(), rng))
        paths.append(damaged)
    for path, found in zip(paths, read_in_browser(browser, paths), strict=True):
        if "message" in found:
            continue
        expected = read_pixels(path, lossless="labels" in path.name)
        pixels = np.array(found["data"]).reshape(found["height"], found["width"])
        np.testing.assert_array_equal(pixels, expected, err_msg=str(path))


def write_bad_files(folder):
    """Return what the page must say of each file, or of its mask."""
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 255, (40, 40)).astype(np.uint8)
    disk = np.zeros((40, 40), np.uint8)
    disk[10:30, 10:30] = 255
    masked = {}

    def add(name, pixels=gray, mask=disk):
        masked[name] = pixels
        path = folder / name
        if path.suffix == ".png":
            write_png(path, pixels)
        else:
            tifffile.imwrite(path, pixels)
        write_png(folder / f"{path.stem}_mask.png", mask)
        return path

    whole = add("broken.png").read_bytes()
    (folder / "broken.png").write_bytes(whole[:200] + b"xxxx" + whole[204:])
    (folder / "cut_off.png").write_bytes(whole[: len(whole) // 2])
    path = add("short.tif")
    path.write_bytes(path.read_bytes()[:-500])
    (folder / "text.png").write_text("This is no picture.")
    (folder / "nothing.png").write_bytes(b"")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "notes.txt").write_text("notes")
    add("shape.png", mask=disk[:-1])
    add("empty.png", mask=0 * disk)
    add("levels.png", mask=disk // 255 * 254 + 1)
    floats = np.where(disk, np.nan, gray).astype(np.float32)
    add("nan.tif", floats)
    add("color.png", np.dstack([gray, gray + 1, gray]))
    tifffile.imwrite(folder / "stack.tif", np.stack([gray, gray]))
    tifffile.imwrite(folder / "imagej.tif", np.stack([gray, gray]), imagej=True)
    header = whole[:16] + (2**20).to_bytes(4) * 2 + whole[24:29]
    (folder / "huge.png").write_bytes(
        header + zlib.crc32(header[12:]).to_bytes(4) + whole[33:]
    )
    tifffile.imwrite(folder / "jpeg.tif", gray, compression="jpeg")
    write_png(folder / "orphan_mask.png", disk)
    add("pieces.png", mask=disk * (np.arange(40) % 7 < 3).astype(np.uint8))
    add("inverse.png", mask=255 - disk)
    add("good.png")
    return {
        "broken.png": "Damaged (CRC mismatch",
        "cut_off.png": "Truncated, its end is missing; copy it anew.",
        "short.tif": "Truncated, a part of its pixels is missing; copy it anew.",
        "text.png": "Neither PNG nor TIFF by its content",
        "nothing.png": "An empty file.",
        "photo.jpg": "Save the image as PNG or TIFF",
        "notes.txt": "Neither an image (PNG, TIFF) nor a table (CSV)",
        "shape_mask.png": "The mask has 39 x 40 pixels, its image 40 x 40",
        "empty_mask.png": "An empty mask",
        "levels_mask.png": "It has the numbers 1 and 255",
        "nan.tif": "It has NaN or infinite pixels",
        "color.png": "A color image, expected a gray one",
        "stack.tif": "It holds 2 images, expected one",
        "imagej.tif": "It holds 2 images, expected one",
        "huge.png": "1048576 x 1048576 pixels, more than the 268435456",
        "jpeg.tif": "Its compression (number 7) is not read here",
        "pieces_mask.png": "The mask has 3 pieces",
        "inverse_mask.png": "The mask looks turned round",
        "orphan_mask.png": "A mask without its image.",
    }


@needs_browser
def test_bad_files_are_named_and_the_others_go_on(page, tmp_path):
    expected = write_bad_files(tmp_path)
    page.choose(*sorted(tmp_path.iterdir()))
    found = page.problems()
    assert set(found) == set(expected)
    for name, text in expected.items():
        assert text in found[name], (name, found[name])
        assert found[name].endswith(".")
    names = [card.name for card in page.cards()]
    assert names == ["good.png", "inverse.png", "pieces.png"]
    assert page.text("problems-title") == f"{len(expected)} files to look at"


@needs_browser
def test_tables_name_rows_that_are_wrong(page, particles, tmp_path):
    paths = write_particles(tmp_path, particles[:2])
    table = tmp_path / "bad.csv"
    table.write_text(
        "image;mask;label\nparticle_0.png;particle_0_mask.png;full\n"
        "particle_1.png;particle_1_mask.png;virus\ngone.png;;\n"
    )
    (tmp_path / "other.csv").write_text("file,label\nparticle_0.png,full\n")
    page.choose(table, tmp_path / "other.csv", *paths)
    found = page.problems()
    assert 'Its label in the table is "virus"' in found["particle_1.png"]
    assert found["bad.csv, row 2"] == "gone.png is missing; drop it along."
    assert 'no column "image" among file, label' in found["other.csv"]
    assert len(page.cards()) == 2


@needs_browser
def test_cutouts_are_those_of_extract_particles(browser):
    rng = np.random.default_rng(1)
    labels = np.zeros((130, 140), np.uint8)
    labels[0:4, 0:9], labels[100:, 60:], labels[50:55, 70:71] = 5, 2, 200
    image = rng.integers(0, 255, labels.shape).astype(np.uint8)
    found = evaluate(
        browser,
        "worker/cutting.js",
        """(() => { const [image, labels, height, width] = values;
            const of = (data) => ({ data: Uint8Array.from(data), height, width });
            return module.cutParticles(of(image), of(labels)).map((particle) =>
                [particle.instance, particle.top, particle.left,
                 particle.picture.height, [...particle.picture.data],
                 [...particle.mask]]); })()""",
        image.ravel().tolist(),
        labels.ravel().tolist(),
        *labels.shape,
    )
    expected = extract_particles(image, labels)
    assert len(found) == len(expected) == 3
    for row, (name, top, left, height, pixels, mask) in zip(
        expected.itertuples(), found, strict=True
    ):
        assert (name, top, left) == (row.instance, row.top, row.left)
        np.testing.assert_array_equal(np.reshape(pixels, (height, -1)), row.image)
        np.testing.assert_array_equal(np.reshape(mask, (height, -1)) == 1, row.mask)
