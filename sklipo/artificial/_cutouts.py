"""One cut-out: the particle, its surrounding, and the numbers to compare them by."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..surrounding import find_surrounding, surrounding_level


@dataclass(frozen=True)
class Cutout:
    """One particle with its surrounding; ``mask`` is bool."""

    image: np.ndarray
    mask: np.ndarray

    @property
    def gray(self):
        """A copy of the image as floats, single ones if they hold its pixels."""
        is_single = np.can_cast(self.image.dtype, np.float32)
        return self.image.astype(np.float32 if is_single else np.float64)

    @cached_property
    def level(self):
        """Mean and standard deviation of the particle's surrounding."""
        return surrounding_level(self.image, self.mask)

    @property
    def grain(self):
        """Standard deviation of the surrounding's noise, from pixel to next pixel."""
        outside = find_surrounding(self.mask)
        steps = np.diff(self.gray)[outside[:, 1:] & outside[:, :-1]]
        # A difference of two pixels has the noise of both.
        return float(np.sqrt(np.mean(steps**2) / 2)) if steps.size else 0.0

    @property
    def radius(self):
        """Radius of the circle of the mask's area in pixels."""
        return float(np.sqrt(np.count_nonzero(self.mask) / np.pi))

    @cached_property
    def box(self):
        """Slices of the mask's bounding box."""
        left, top, width, height = cv2.boundingRect(self.mask.view(np.uint8))
        return slice(top, top + height), slice(left, left + width)

    @property
    def margins(self):
        """Pixels before and after the bounding box, along y and along x."""
        return tuple(
            (inside.start, length - inside.stop)
            for inside, length in zip(self.box, self.mask.shape, strict=True)
        )

    @property
    def center(self):
        """Row and column of the middle of the bounding box."""
        return tuple((inside.start + inside.stop) // 2 for inside in self.box)

    def turn(self, orientation):
        """Return the cut-out in one of its eight orientations."""
        return Cutout(
            turn_image(self.image, orientation), turn_image(self.mask, orientation)
        )


def turn_image(image, orientation):
    """Turn by ``orientation % 4`` right angles; from 4 on, transpose as well."""
    image = np.rot90(image, orientation % 4)
    # OpenCV takes contiguous pixels only.
    return np.ascontiguousarray(image.T if orientation >= 4 else image)


def as_pixels(values, dtype):
    """Return values as pixels of a dtype: rounded and clipped unless it is float."""
    if dtype.kind == "f":
        return values.astype(dtype)
    if dtype.kind == "b":
        return values > 0.5
    limits = np.iinfo(dtype)
    # Single precision would round the limits of 32 bits up, and double those of 64.
    values = np.rint(values, dtype=np.float64)
    highest = float(limits.max)
    if highest > limits.max:
        highest = np.nextafter(highest, 0)
    return np.clip(values, limits.min, highest).astype(dtype)
