"""One image in another size."""

import cv2


def resize_image(image, out):
    """Write an image in another size, each axis by its own rule."""
    height, width = out.shape
    if (image.shape[0] > height) != (image.shape[1] > width):
        # One call for both axes would interpolate along the one that shrinks.
        image = _resize_to(image, (image.shape[1], height), image.shape[0] > height)
    _resize_to(image, (width, height), image.shape[1] > width, out)


def _resize_to(image, size, shrinks, out=None):
    """Return an image in a width and height, by area or by linear interpolation."""
    # INTER_AREA drops what covers less than 1/1000 of a pixel. Up to a size of 1000
    # nothing does, since edges lie at multiples of 1/size.
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, size, dst=out, interpolation=way)
