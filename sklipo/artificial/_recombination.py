"""A particle on the background of another cut-out.

Gray values of a particle are counted in deviations of its own background, and written
in those of the new one.
"""

import cv2
import numpy as np

from ..surrounding import surrounding_level
from ._backgrounds import lay_background


def recombine(particle, donor, feather, gain):
    """Return the particle on the background of a donor."""
    background = lay_background(donor, particle)
    moved = transfer(particle.gray, particle, background, particle.mask, gain)
    return background + feathered(particle.mask, feather) * (moved - background)


def transfer(values, particle, background, mask, gain):
    """Return the gray values of a particle as they would be on a background.

    A value v becomes m' + gain * s' / s * (v - m), with mean m and deviation s of the
    particle's own surrounding, and m' and s' those of the background around the mask.
    A gain that would take much of the particle out of the pixels' range is lessened.
    """
    mean, deviation = particle.level
    new_mean, new_deviation = surrounding_level(background, mask)
    if deviation and new_deviation:  # a flat background is no unit
        gain = gain * new_deviation / deviation
    return (values - mean) * min(gain, _largest_gain(particle, new_mean)) + new_mean


def _largest_gain(particle, new_mean):
    """Return the largest gain that keeps a particle in the range of integer pixels."""
    dtype = particle.image.dtype
    if dtype.kind not in "iu":
        return np.inf
    room = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max]) - new_mean
    # Single hot or dead pixels shall not decide: the outermost hundredths are left out.
    contrast = np.percentile(particle.image[particle.mask], [1, 99]) - particle.level[0]
    # Values on the other side of the mean come no nearer to a limit.
    gains = room[room * contrast > 0] / contrast[room * contrast > 0]
    return float(gains.min(initial=np.inf))


def feathered(mask, feather):
    """Return weights: 1 in the mask, falling to 0 over some pixels around it."""
    distance = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 5)
    ramp = np.clip(1 - distance / np.float32(feather + 1), 0, 1)
    # This polynomial is flat at both ends, which leaves no edge.
    return ramp * ramp * (3 - 2 * ramp)
