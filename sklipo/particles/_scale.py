"""The scale that pixels are on, as far as their type tells it."""

# Pixels whose largest value is the white of their format. All others keep their values.
_WHITE = {"uint8": 255, "uint16": 65535}


_KINDS = {
    255: "uint8 pixels and divides them by 255",
    65535: "uint16 pixels and divides them by 65535",
    1: "pixels of other types than uint8 and uint16 and keeps their values",
}


def white_level(images):
    """Return the white of the pixels of an ImageArray, 1 if their type has none."""
    return _WHITE.get(images.pixel_dtype.name, 1)


def check_white(estimator, images):
    """Raise an error if pixels are on another scale than those of ``fit``."""
    if white_level(images) == estimator.white_:
        return
    name = type(estimator).__name__
    raise ValueError(
        f"X has {images.pixel_dtype} pixels. {name} was fitted to "
        f"{_KINDS[estimator.white_]}, so the two are on different scales. Convert "
        "the images to the type seen in fit (uint8 pixels become floats of 0 "
        "to 1 by image / 255), or put NormalizeBackground, by noise or "
        f"contrast, before {name}, which makes all types alike, and fit again."
    )
