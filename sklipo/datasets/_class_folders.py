"""Tables of image and mask paths from folders: one sub-folder for each class."""

import re
from collections import Counter
from pathlib import PurePosixPath

import pandas as pd

from ..particles._warnings import warn_caller
from ._mrc import unpacked
from ._pixel_files import IMAGE_SUFFIXES

DEFAULT_MASK_SUFFIX = "_mask"

# Left behind by macOS and by network drives, and in the root of others.
_NO_CLASSES = {"__MACOSX", "@eaDir", "lost+found"}
_NO_CLASSES |= {"$RECYCLE.BIN", "System Volume Information"}
_MASK_FOLDERS = {"mask", "masks", "label", "labels", "segmentation", "segmentations"}
# What follows the name of an image in that of its mask.
_MASK_WORD = re.compile(r"[\W_]+(simple )?(seg|label|lbl|msk)")
_OTHER_IMAGES = {".npy", ".npz", ".jxl", ".heic", ".exr", ".svg", ".pdf"}


def list_classes(folder, mask_suffix):
    """Return a table of the images and masks in one sub-folder for each class."""
    if mask_suffix == "":
        raise ValueError("mask_suffix is empty; pass None if there are no masks.")
    entries = _list_folder(folder)
    classes = [path for path in entries if path.is_dir()]
    if not classes:
        raise ValueError(
            f"{str(folder)!r} has no sub-folders, expected one for each class."
        )
    contents = {path: _list_folder(path) for path in classes}
    images = {path: _images_among(files) for path, files in contents.items()}
    parts = [_list_class(folder, path, images[path], mask_suffix) for path in classes]
    _warn_of_images_beside(folder, _images_among(entries))
    for path in classes:
        _warn_of_what_is_not_read(path, contents[path], images[path])
    table = pd.concat(parts, ignore_index=True)
    missing = table.loc[table["mask"].isna(), "image"].tolist()
    if len(missing) == len(table):
        if mask_suffix is not None:
            _warn_of_likely_masks(parts, classes, mask_suffix)
        return table.drop(columns="mask")
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(table)} images in {str(folder)!r} have no mask "
            f"(name{mask_suffix}.png beside name.png), such as {missing[:5]}; expected "
            "all or none."
        )
    return table


def _list_folder(folder):
    """Return what is in a folder, sorted, without what systems hide there."""
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name not in _NO_CLASSES
    )


def _images_among(paths):
    """Return the paths that end as images do."""
    return [
        path
        for path in paths
        if unpacked(path).suffix.lower() in IMAGE_SUFFIXES and not path.is_dir()
    ]


def _stem(path):
    """Return the name of an image without its ending."""
    return unpacked(path).stem


def _list_class(folder, subfolder, files, mask_suffix):
    """Return the images of one class and their masks, None if one is missing."""
    masks, images = {}, []
    for path in files:
        if mask_suffix and _stem(path).lower().endswith(mask_suffix.lower()):
            masks.setdefault(_stem(path)[: -len(mask_suffix)], []).append(path)
        else:
            images.append(path)
    if not images:
        raise ValueError(
            f"{str(subfolder)!r} has no images ({', '.join(IMAGE_SUFFIXES)}), expected "
            "those of one class. Images in folders within it are not read."
        )
    orphans = set(masks) - set(map(_stem, images))
    if orphans:
        names = sorted(path.name for stem in orphans for path in masks[stem])[:5]
        raise ValueError(f"{str(subfolder)!r} has masks without an image: {names}.")
    several = [paths for paths in masks.values() if len(paths) > 1]
    if several:
        names = [path.name for path in several[0]]
        raise ValueError(f"{str(subfolder)!r} has several masks of one image: {names}.")

    def relative(path):
        return path.relative_to(folder).as_posix()

    names = list(map(relative, images))
    masks = {stem: relative(path) for stem, (path,) in masks.items()}
    return pd.DataFrame(
        {
            "image": names,
            "mask": [masks.get(_stem(path)) for path in images],
            "label": subfolder.name,
            "file": names,
        }
    )


def _warn_of_images_beside(folder, images):
    """Warn of images that belong to no class."""
    if images:
        warn_caller(
            f"{len(images)} images in {str(folder)!r}, such as {images[0].name!r}, are "
            "not read, as they lie beside the folders of the classes."
        )


def _warn_of_what_is_not_read(subfolder, files, images):
    """Warn of what in the folder of a class is not read, or more than once."""
    nested = [file.name for file in files if file.is_dir()]
    if nested:
        warn_caller(
            f"The folders {nested[:5]} in {str(subfolder)!r} are not read. If they "
            "hold masks, move these beside their images and name them as mask_suffix "
            "says."
        )
    others = [file for file in files if file.suffix.lower() in _OTHER_IMAGES]
    if others:
        warn_caller(
            f"{len(others)} files in {str(subfolder)!r}, such as {others[0].name!r}, "
            f"are not read; expected {', '.join(IMAGE_SUFFIXES)}."
        )
    stems = Counter(map(_stem, images))
    twice = [stem for stem, n in stems.items() if n > 1]
    if twice:
        warn_caller(
            f"{len(twice)} names in {str(subfolder)!r} have several endings, such as "
            f"{twice[0]!r}. Each file is a particle of its own."
        )


def _warn_of_likely_masks(parts, classes, mask_suffix):
    """Warn of images that seem to be masks by their name or folder."""
    named = [path.name for path in classes if path.name.lower() in _MASK_FOLDERS]
    if named:
        warn_caller(
            f"The folder {named[0]!r} is read as a class. If it holds masks, move them "
            f"beside their images, named as name{mask_suffix}.png."
        )
    stems = [{_stem(PurePosixPath(path)) for path in part["file"]} for part in parts]
    if suffix := _common_suffix(stems):
        to_do = f"pass mask_suffix={suffix!r}"
    elif _common_suffix([{stem[::-1] for stem in names} for names in stems]):
        to_do = f"rename them to name{mask_suffix}.png"
    elif any(map(_has_likely_mask, stems)):
        to_do = f"rename them to name{mask_suffix}.png, or pass mask_suffix"
    else:
        # Who names a suffix expects masks.
        if mask_suffix != DEFAULT_MASK_SUFFIX:
            warn_caller(f"There are no masks: no name ends by {mask_suffix!r}.")
        return
    warn_caller(
        "Some images seem, by their names, to be masks of the others, and each is read "
        f"as a particle of its own. If they are masks, {to_do}; else pass "
        "mask_suffix=None."
    )


def _has_likely_mask(stems):
    """Tell whether some names of a class, not all, seem to be of masks of the others.

    That are fewer than half where masks are missing.
    """
    names = {stem.lower() for stem in stems}
    if len({"mask" in name for name in names}) == 2:
        return True
    words = [(name, _MASK_WORD.search(name)) for name in names]
    return any(word and name[: word.start()] in names for name, word in words)


def _common_suffix(stems):
    """Return what half of the names of each class have more than the other half.

    Numbers alone do not count, as 1 and 10 are two images.
    """
    first = min(stems[0])
    candidates = {name.removeprefix(first) for name in stems[0]} - {"", *stems[0]}
    for suffix in sorted(filter(re.compile("[a-z]", re.IGNORECASE).search, candidates)):
        if all(_has_partners(names, suffix) for names in stems):
            return suffix
    return None


def _has_partners(names, suffix):
    """Tell whether each name has a partner that ends by the suffix, in any case."""
    names = {name.lower() for name in names}
    with_suffix = {name for name in names if name.endswith(suffix.lower())}
    return {name + suffix.lower() for name in names - with_suffix} == with_suffix
