"""What surrounds a particle: one definition for measuring, normalizing and drawing.

:func:`find_surrounding` says which pixels these are. Each room takes the statistics of
them that suit it:

- The noise, in which ``NormalizeBackground`` and ``ArtificialOverSampler`` count: mean
  and standard deviation of all of them, :func:`surrounding_level`. The deviation is the
  unit of the new pixels, and few pixels would make it unsteady: taken within the margin
  that measures look at, it lowered the balanced accuracy of an SVM on the pixels of
  real particles from 0.72 to 0.61.
- The background, from which ``sklipo.measures.Particle`` defines the contrast of a
  particle: median and quartiles of those that are near, :func:`surrounding_margin`.
  These hardly change with a neighbor in the surrounding, or with the number of pixels,
  and do not depend on how large the cut-out is.
"""

import cv2
import numpy as np

from .images._numbers import mean_and_deviation

# Scales that the intensities of a particle can be on, as parameters name them.
SCALES = ("contrast", "noise", "none")
# The blur of a membrane reaches 2 pixels beyond the mask, along diagonals too.
_BLUR = np.ones((5, 5), np.uint8)
# OpenCV computes a variance as the mean of squares less the square of the mean. Of a
# smaller deviation, relative to the mean, few digits would be left.
LEAST_RELATIVE_DEVIATION = 1e-3
# OpenCV has no statistics of other types, and version 4 raises an error for them.
_OPENCV_TYPES = {"uint8", "int8", "uint16", "int16", "int32", "float32", "float64"}


def find_surrounding(mask):
    """Return which pixels are the surrounding of a particle.

    Parameters
    ----------
    mask : ndarray of shape (height, width), dtype bool or uint8
        Non-zero inside the particle.

    Returns
    -------
    ndarray of bool, shape (height, width)
        True for all pixels more than 2 pixels outside the mask, where the blur of a
        membrane has ended. If there are none, True for all pixels outside the mask; if
        the particle fills the image, True nowhere.

    See Also
    --------
    surrounding_level : Mean and deviation of these pixels.
    sklipo.measures.Particle : Compares a particle with the near ones.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.surrounding import find_surrounding
    >>> find_surrounding(np.array([[1, 1, 0, 0, 0, 0]], np.uint8))
    array([[False, False, False, False,  True,  True]])
    >>> find_surrounding(np.array([[1, 1, 0]], np.uint8))
    array([[False, False,  True]])
    """
    mask = mask.view(np.uint8)
    near = cv2.dilate(mask, _BLUR)
    return (mask if cv2.countNonZero(near) == near.size else near) == 0


def surrounding_margin(area):
    """Return how far from a particle measures look at its surrounding.

    Parameters
    ----------
    area : int or ndarray of int
        Number of pixels inside.

    Returns
    -------
    int or ndarray of int
        Pixels beyond the bounding box of the mask: a quarter of the radius of a disk of
        that area, but at least 6, as a narrower margin has few pixels beyond the blur.

    See Also
    --------
    find_surrounding : Defines the surrounding.

    Examples
    --------
    >>> from sklipo.surrounding import surrounding_margin
    >>> int(surrounding_margin(5000))
    10
    """
    return np.maximum(6, np.rint(np.sqrt(area / np.pi) / 4).astype(int))


def surrounding_level(image, mask=None):
    """Return mean and standard deviation of the surrounding of a particle.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        Pixels of the cut-out.
    mask : ndarray of shape (height, width), dtype bool or uint8, default=None
        Non-zero inside the particle. By default the whole image is the particle.

    Returns
    -------
    mean, deviation : float
        Those of the whole image if the particle fills it. The deviation is 0 where it
        is no more than rounding: eps of float pixels times the largest of them.

    See Also
    --------
    find_surrounding : Which pixels these are.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.surrounding import surrounding_level
    >>> image = np.array([[100, 104, 102], [102, 150, 102]], dtype="uint8")
    >>> surrounding_level(image, image == 150)[0]
    102.0
    """
    outside = None if mask is None else find_surrounding(mask)
    if outside is not None and not outside.any():
        outside = None
    mean, deviation = _by_opencv(image, outside)
    if LEAST_RELATIVE_DEVIATION * abs(mean) < deviation and 1e-100 < deviation < 1e100:
        return mean, deviation
    return mean_and_deviation(image if outside is None else image[outside])


def noise_level(image, mask=None):
    """Return the mean of a particle's surrounding, and a unit for differences from it.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        Pixels of the cut-out.
    mask : ndarray of shape (height, width), dtype bool or uint8, default=None
        Non-zero inside the particle. By default the whole image is the particle.

    Returns
    -------
    mean, unit : float
        The unit is the standard deviation of the surrounding. If that is 0, it is the
        deviation of the whole image, and 1 if that is 0 too.

    See Also
    --------
    surrounding_level : Mean and deviation, which may be 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.surrounding import noise_level
    >>> image = np.array([[5, 5, 5], [5, 9, 5]], dtype="uint8")
    >>> mean, unit = noise_level(image, image == 9)
    >>> mean, round(unit, 3), round(float(image.std()), 3)
    (5.0, 1.491, 1.491)
    """
    mean, deviation = surrounding_level(image, mask)
    return mean, deviation or surrounding_level(image)[1] or 1.0


def _by_opencv(image, selected):
    """Return mean and deviation of selected pixels, or of all, the fast way."""
    if image.dtype.name not in _OPENCV_TYPES:
        image = image.astype(np.float64)
    mask = None if selected is None else selected.view(np.uint8)
    mean, deviation = cv2.meanStdDev(image, mask=mask)
    return float(mean[0, 0]), float(deviation[0, 0])
