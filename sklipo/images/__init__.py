"""Images of differing sizes as one pandas column: many images, one pixel buffer."""

from ._array import ImageArray, ImageDtype

__all__ = ["ImageArray", "ImageDtype"]
