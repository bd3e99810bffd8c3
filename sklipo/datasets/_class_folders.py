"""Tables of image and mask paths from folders: one sub-folder for each class."""

from itertools import compress

import pandas as pd

from ._pixel_files import IMAGE_SUFFIXES


def list_classes(folder, mask_suffix):
    """Return a table of the images and masks in one sub-folder for each class."""
    if mask_suffix == "":
        raise ValueError("mask_suffix is empty; pass None if there are no masks.")
    classes = sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".")
    )
    if not classes:
        raise ValueError(
            f"{str(folder)!r} has no sub-folders, expected one for each class."
        )
    parts = [_list_class(folder, path, mask_suffix) for path in classes]
    table = pd.concat(parts, ignore_index=True)
    missing = table.loc[table["mask"].isna(), "image"].tolist()
    if len(missing) == len(table):
        return table.drop(columns="mask")
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(table)} images in {str(folder)!r} have no mask "
            f"(name{mask_suffix}.png beside name.png), such as {missing[:5]}; expected "
            "all or none."
        )
    return table


def _list_class(folder, subfolder, mask_suffix):
    """Return the images of one class and their masks, None if one is missing."""
    files = sorted(
        path for path in subfolder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES
    )
    is_mask = [mask_suffix and path.stem.endswith(mask_suffix) for path in files]
    masks = {
        path.stem.removesuffix(mask_suffix): path for path in compress(files, is_mask)
    }
    images = [path for path, mask in zip(files, is_mask, strict=True) if not mask]
    if not images:
        raise ValueError(
            f"{str(subfolder)!r} has no images ({', '.join(IMAGE_SUFFIXES)}), expected "
            "those of one class."
        )
    orphans = set(masks) - {path.stem for path in images}
    if orphans:
        names = sorted(masks[stem].name for stem in orphans)[:5]
        raise ValueError(f"{str(subfolder)!r} has masks without an image: {names}.")

    def relative(path):
        return None if path is None else path.relative_to(folder).as_posix()

    return pd.DataFrame(
        {
            "image": [relative(path) for path in images],
            "mask": [relative(masks.get(path.stem)) for path in images],
            "label": subfolder.name,
            "file": [relative(path) for path in images],
        }
    )
