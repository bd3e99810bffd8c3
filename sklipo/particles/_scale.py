"""The scale that pixels are on, as far as their type tells it."""

# Pixels whose largest value is the white of their format. All others keep their values.
_WHITE = {"uint8": 255, "uint16": 65535}


def white_level(images):
    """Return the white of the pixels of an ImageArray, 1 if their type has none."""
    return _WHITE.get(images.pixel_dtype.name, 1)
