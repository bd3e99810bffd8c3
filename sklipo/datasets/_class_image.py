"""Predicted classes as an image: each pixel has the number of its particle's class."""

import json

import numpy as np
import tifffile

# Numbers of uint8, less that of background.
_MOST_CLASSES = 255


def write_class_image(results, path):
    """Write a TIFF of one micrograph's size, 0 for background and 1 ... for classes.

    Its palette shows the colors of classes. The description is ImageJ's, with the
    numbers of classes as JSON, which ImageJ also shows by Image > Show Info.
    """
    image = _draw(results)
    pixel_size = _find_pixel_size(results.particles)
    legend = json.dumps(dict(enumerate(["background", *results.classes])))
    metadata = {"classes": legend, "Info": legend}
    if pixel_size is None:
        resolution = (1, 1)
    else:
        metadata["unit"], resolution = "nm", (1 / pixel_size, 1 / pixel_size)
    tifffile.imwrite(
        path,
        image,
        # The values are numbers for ImageJ, and for all that heed its description.
        imagej=True,
        colormap=_make_palette(results),
        resolution=resolution,
        metadata=metadata,
    )


def _draw(results):
    """Return the class image; on top lies what is most probable, or the last row."""
    if len(results.classes) > _MOST_CLASSES:
        raise ValueError(
            f"{len(results.classes)} classes, expected {_MOST_CLASSES} at most in a "
            "class image; save as .json or .csv, which have no limit"
        )
    image = np.zeros(next(iter(results.shapes.values())), np.uint8)
    numbers = {name: i for i, name in enumerate(results.classes, 1)}
    order = range(len(results.y_pred))
    if results.confidence is not None:
        order = np.argsort(results.confidence, kind="stable")
    masks = results.particles["mask"].array
    places = results.particles[["top", "left"]].to_numpy()
    for i in order:
        (top, left), mask = places[i], masks[i]
        box = image[top : top + mask.shape[0], left : left + mask.shape[1]]
        box[mask] = numbers[results.y_pred[i]]
    return image


def _find_pixel_size(particles):
    """Return nm per pixel, None if it is unknown."""
    if "pixel_size" not in particles:
        return None
    sizes = particles["pixel_size"].dropna().unique()
    if len(sizes) > 1:
        raise ValueError(
            f"particles of one micrograph have the pixel sizes {sizes[0]:g} and "
            f"{sizes[1]:g} nm, expected one of them"
        )
    return float(sizes[0]) if len(sizes) else None


def _make_palette(results):
    """Return the color map of a TIFF: white background, and the colors of classes."""
    palette = np.zeros((256, 3), np.uint16)
    palette[0] = 255
    for i, name in enumerate(results.classes, 1):
        palette[i] = list(bytes.fromhex(results.colors[name].removeprefix("#")))
    # 255 becomes 65535.
    return palette.T * 257
