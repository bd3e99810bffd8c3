"""Particle files as other programs, disks and people leave them.

`write_plain` writes a CSV with its images and masks. Each function here changes files
of that folder; it returns the path to load, and whether the particles must come back.
"""

import gzip
import json
import os
import shutil

import cv2
import numpy as np
import pandas as pd
import tifffile

from .particle_inputs import PLAIN
from .rule import Expected, Variants

VARIANTS = Variants()
same, fault = VARIANTS.register(Expected.SAME), VARIANTS.register(Expected.ERROR)
warned, either = VARIANTS.register(Expected.WARNING), VARIANTS.register(Expected.EITHER)


def write_plain(folder):
    """Write PNG images and masks, and a CSV of them; return its path."""
    rows = []
    for column in ("image", "mask"):
        (folder / f"{column}s").mkdir(parents=True)
    for i, (image, mask) in enumerate(zip(PLAIN["image"], PLAIN["mask"], strict=True)):
        row = {"image": f"images/{i}.png", "mask": f"masks/{i}.png"}
        cv2.imwrite(folder / row["image"], image)
        cv2.imwrite(folder / row["mask"], mask.astype(np.uint8) * 255)
        rows.append(row)
    others = PLAIN[["pixel_size", "label"]]
    table = pd.concat([pd.DataFrame(rows), others], axis=1)
    table.to_csv(folder / "particles.csv", index=False)
    return folder / "particles.csv"


def _rewrite(path, change, encoding="utf-8"):
    """Change the text of a table."""
    path.write_bytes(change(path.read_text()).encode(encoding))
    return path


def _any(folder, rng, kind):
    """Return the path of one image or mask."""
    return folder / kind / f"{rng.integers(len(PLAIN))}.png"


# The same particles.


@same
def plain(path, rng):
    return path


@same
def other_delimiters(path, rng):
    delimiter = rng.choice([";", "\t"])
    return _rewrite(path, lambda text: text.replace(",", delimiter))


@same
def decimal_commas(path, rng):
    pd.read_csv(path).to_csv(path, sep=";", decimal=",", index=False)
    return path


@same
def other_encodings(path, rng):
    encoding = rng.choice(["utf-8-sig", "utf-16", "ascii", "utf-16-le-bom"])
    if encoding == "utf-16-le-bom":
        return _rewrite(path, lambda text: "\ufeff" + text, "utf-16-le")
    return _rewrite(path, str, encoding)


@same
def other_line_ends(path, rng):
    end = rng.choice(["\r\n", "\n\n", "\r\n\r\n"])
    return _rewrite(path, lambda text: text.replace("\n", end))


@same
def windows_paths(path, rng):
    prefix = rng.choice(["", ".\\"])
    return _rewrite(
        path,
        lambda text: text.replace("images/", prefix + "images\\").replace(
            "masks/", prefix + "masks\\"
        ),
    )


@same
def absolute_paths(path, rng):
    folder = path.parent.as_posix()
    return _rewrite(path, lambda text: text.replace("images/", f"{folder}/images/"))


@same
def spaces_around_names(path, rng):
    return _rewrite(path, lambda text: text.replace("image,mask,", " image, mask ,", 1))


@same
def as_json(path, rng):
    table = pd.read_csv(path)
    lines = rng.integers(2) == 1
    file = path.with_suffix(rng.choice([".json", ".jsonl"]))
    table.to_json(file, orient="records", lines=lines)
    return file


@same
def as_parquet_of_paths(path, rng):
    pd.read_csv(path).to_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


@same
def other_lossless_images(path, rng):
    suffix = rng.choice([".tif", ".bmp", ".png", ".tiff"])
    for file in (path.parent / "images").iterdir():
        image = cv2.imread(file, cv2.IMREAD_UNCHANGED)
        file.unlink()
        if "tif" in suffix:
            options = [
                {},
                {"byteorder": ">"},
                {"compression": "zlib"},
                {"bigtiff": True},
            ]
            kind = rng.choice(["u1", ">u2", "f4"])
            option = options[rng.integers(4)]
            tifffile.imwrite(file.with_suffix(suffix), image.astype(kind), **option)
        else:
            cv2.imwrite(file.with_suffix(suffix), image)
    return _rewrite(
        path,
        lambda text: "\n".join(
            line.replace(".png", suffix, 1) for line in text.split("\n")
        ),
    )


@same
def color_of_equal_channels(path, rng):
    for file in (path.parent / "images").iterdir():
        image = cv2.imread(file, cv2.IMREAD_UNCHANGED)
        cv2.imwrite(file, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    return path


@same
def masks_of_other_levels(path, rng):
    level = int(rng.choice([1, 2, 128]))
    for file in (path.parent / "masks").iterdir():
        cv2.imwrite(file, np.minimum(cv2.imread(file, cv2.IMREAD_UNCHANGED), level))
    return path


@same
def links(path, rng):
    for file in (path.parent / "images").iterdir():
        target = path.parent / file.name
        file.rename(target)
        file.symlink_to(target)
    return path


# Faults.


@fault
def files_that_are_gone(path, rng):
    file = _any(path.parent, rng, rng.choice(["images", "masks"]))
    file.unlink()
    kind = rng.integers(3)
    if kind == 1:
        file.symlink_to("nowhere.png")
    elif kind == 2:
        file.symlink_to(file.name)
    return path


@fault
def files_that_are_no_files(path, rng):
    file = _any(path.parent, rng, rng.choice(["images", "masks"]))
    file.unlink()
    kind = rng.integers(4)
    if kind == 0:
        os.mkfifo(file)
    elif kind == 1:
        file.mkdir()
    else:
        file.symlink_to(["/dev/zero", "/dev/null"][kind - 2])
    return path


@fault
def tables_that_are_no_files(path, rng):
    suffix = rng.choice([".csv", ".json", ".parquet", ".jsonl"])
    file = path.with_name(f"odd{suffix}")
    kind = rng.integers(3)
    if kind == 0:
        os.mkfifo(file)
    elif kind == 1:
        file.mkdir()
    else:
        file.symlink_to(rng.choice(["/dev/zero", "/dev/null"]))
    return file


@fault
def files_of_another_kind(path, rng):
    contents = [
        b"", b"\0" * 100, b"<html></html>", b"PK\x03\x04" + b"\0" * 60, b"\x89PNG\r\n",
        b"II*\0" + b"\xff" * 40, b"\xff\xd8\xff" + b"\0" * 50, b"BM" + b"\xff" * 60,
        gzip.compress(b"x" * 100), b"P5 3 3 255 ", b"%PDF-1.4", b"\xe4",
        b"[" * 100_000, b"{" * 5000, b"PAR1" + b"\0" * 40 + b"PAR1", b"GIF89a",
    ]  # fmt: skip
    content = contents[rng.integers(len(contents))]
    if rng.integers(2):
        _any(path.parent, rng, rng.choice(["images", "masks"])).write_bytes(content)
        return path
    file = path.with_suffix(rng.choice([".csv", ".json", ".jsonl", ".parquet"]))
    file.write_bytes(content)
    return file


@fault
def truncated_images(path, rng):
    file = _any(path.parent, rng, rng.choice(["images", "masks"]))
    data = file.read_bytes()
    file.write_bytes(data[: rng.integers(len(data) - 12)])
    return path


@either
def flipped_bits_of_images(path, rng):
    file = _any(path.parent, rng, rng.choice(["images", "masks"]))
    data = bytearray(file.read_bytes())
    data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    file.write_bytes(data)
    return path


@fault
def masks_saved_as_jpeg(path, rng):
    file = _any(path.parent, rng, "masks")
    mask = cv2.imread(file, cv2.IMREAD_UNCHANGED)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.choice([50, 90, 100]))]
    _, data = cv2.imencode(".jpg", mask, quality)
    if rng.integers(2):
        file.write_bytes(data.tobytes())
        return path
    file.with_suffix(".jpg").write_bytes(data.tobytes())
    name = f"masks/{file.name}"
    return _rewrite(path, lambda text: text.replace(name, name[:-3] + "jpg"))


@fault
def masks_of_many_levels(path, rng):
    file = _any(path.parent, rng, "masks")
    mask = cv2.imread(file, cv2.IMREAD_UNCHANGED)
    form = rng.integers(3)
    if form == 0:
        mask = cv2.GaussianBlur(mask, (5, 5), 0)
    elif form == 1:
        mask = np.where(mask > 0, np.uint8(255), np.uint8(1))
    else:
        mask = (mask > 0) * np.arange(mask.size, dtype=np.uint16).reshape(mask.shape)
    cv2.imwrite(file, mask)
    return path


@fault
def masks_of_other_shape(path, rng):
    file = _any(path.parent, rng, "masks")
    cv2.imwrite(file, np.pad(cv2.imread(file, cv2.IMREAD_UNCHANGED), ((0, 1), (0, 2))))
    return path


@fault
def color_images(path, rng):
    file = _any(path.parent, rng, rng.choice(["images", "masks"]))
    image = cv2.imread(file, cv2.IMREAD_UNCHANGED)
    cv2.imwrite(file, np.dstack([image, 255 - image, image // 2]))
    return path


@fault
def tables_without_rows(path, rng):
    return _rewrite(path, lambda text: text.split("\n")[0] + rng.choice(["", "\n"]))


@fault
def cells_of_another_kind(path, rng):
    cell = rng.choice(
        ["", "nan", "3", "True", "../", ".", "images", "\x00", "a" * 5000]
    )
    return _rewrite(path, lambda text: text.replace("images/2.png", cell))


@fault
def rows_of_other_lengths(path, rng):
    surplus = rng.choice(["x,", "a,b,c,", '"'])
    return _rewrite(
        path, lambda text: text.replace("images/2.png", surplus + "images/2.png")
    )


@fault
def columns_that_occur_twice(path, rng):
    name = rng.choice(["mask", "pixel_size"])
    return _rewrite(path, lambda text: text.replace(name, "image", 1))


@fault
def no_image_column(path, rng):
    name = rng.choice(["Image", "images", "path", "img", ""])
    return _rewrite(path, lambda text: text.replace("image", name, 1))


@fault
def other_endings(path, rng):
    return path.rename(
        path.with_suffix(rng.choice([".txt", ".xlsx", "", ".csv2", ".png"]))
    )


@fault
def odd_json(path, rng):
    values = [
        None, 3, "x", {}, [], [1], [[]], [None], {"image": "a"}, [{"image": None}],
        [{"image": {"a": 1}}], [{"image": ["images/0.png"]}], [{}], [{"image": 1e400}],
        [{"image": "images/0.png"}, {"mask": "masks/1.png"}],
    ]  # fmt: skip
    file = path.with_suffix(rng.choice([".json", ".jsonl"]))
    file.write_text(json.dumps(values[rng.integers(len(values))]))
    return file


@fault
def truncated_parquet(path, rng):
    file = path.with_suffix(".parquet")
    PLAIN.to_parquet(file)
    data = file.read_bytes()
    file.write_bytes(data[: rng.integers(len(data) - 1)])
    return file


@warned
def masks_under_a_near_name(path, rng):
    name = rng.choice(["Mask", "masks", "MASK"])
    return _rewrite(path, lambda text: text.replace("mask,", f"{name},", 1))


@warned
def masks_turned_round(path, rng):
    for file in (path.parent / "masks").iterdir():
        cv2.imwrite(file, 255 - cv2.imread(file, cv2.IMREAD_UNCHANGED))
    return path


def _class_folders(path, mask_name):
    """Move the files into a folder for each class; return the folder of all."""
    root = path.parent / "classes"
    for i, label in enumerate(PLAIN["label"]):
        (root / label).mkdir(parents=True, exist_ok=True)
        shutil.move(path.parent / f"images/{i}.png", root / label / f"p{i}.png")
        mask = root / label / mask_name.format(i)
        mask.parent.mkdir(exist_ok=True)
        shutil.move(path.parent / f"masks/{i}.png", mask)
    return root


@warned
def masks_named_otherwise(path, rng):
    names = [
        "p{}_seg.png",
        "p{}-mask.png",
        "mask_p{}.png",
        "p{}.mask.png",
    ]
    return _class_folders(path, rng.choice(names))


@either
def class_folders_with_litter(path, rng):
    root = _class_folders(path, "p{}_mask.png")
    litter = rng.choice(
        ["__MACOSX", ".git", "empty/._p0.png", "empty/.DS_Store", "full/Thumbs.db"]
    )
    if "/" in litter:
        (root / litter).write_bytes(b"\0")
    else:
        (root / litter).mkdir()
        (root / litter / "x.png").write_bytes(b"\0")
    return root
