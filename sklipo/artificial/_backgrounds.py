"""Backgrounds for particles: chosen, cleared of their own particle, and moved."""

import cv2
import numpy as np
from scipy import fft

N_CANDIDATES = 100  # backgrounds compared for each particle
HALO = 4  # pixels around a mask where its particle may still show


def describe_background(cutout):
    """Return the numbers to compare backgrounds by: mean, deviation, grain, radius."""
    return *cutout.level, cutout.grain, cutout.radius


def choose_background(row, donors, descriptions, rng):
    """Return the donor whose background suits the particle in a row best.

    A suitable background is as bright, as rough and as noisy as the particle's own, to
    avoid seams and values beyond the pixels' range. Its particle is no larger, to be
    covered by the new one.
    """
    # Steps from 1 on around the ring of donors never lead back to the row itself.
    steps = rng.integers(1, len(donors), size=N_CANDIDATES)
    candidates = donors[(np.searchsorted(donors, row) + steps) % len(donors)]
    misfit = _misfit(descriptions[row], descriptions[candidates].T)
    return candidates[np.argmin(misfit)]


def _misfit(source, donors):
    """Return how badly backgrounds suit a particle; 0 is best."""
    mean, deviation, grain, radius = source
    new_mean, new_deviation, new_grain, new_radius = donors
    # Flat backgrounds have neither deviation nor grain.
    least = np.finfo(float).eps * (np.abs(mean) + np.abs(new_mean))
    least += np.finfo(float).tiny
    spread = np.maximum(deviation + new_deviation, least)
    noise = np.maximum(grain + new_grain, least)
    return (
        np.abs(new_mean - mean) / spread
        + 2 * np.abs(new_deviation - deviation) / spread
        + 2 * np.abs(new_grain - grain) / noise
        + np.maximum(new_radius / radius - 1, 0)
    )


def lay_background(donor, place):
    """Return the donor's background, as it would lie around another particle.

    The donor's particle is taken out, and the middle of the hole comes to the middle
    of ``place``, a cut-out. Beyond the edges of the donor its mirror image follows.
    """
    rows, columns = (
        mirrored(np.arange(new_length) - new_middle + middle, length)
        for length, middle, new_length, new_middle in zip(
            donor.mask.shape, donor.center, place.mask.shape, place.center, strict=True
        )
    )
    return clear_particle(donor)[np.ix_(rows, columns)]


def clear_particle(cutout):
    """Return the image with the particle replaced by its mirrored surrounding.

    A pixel of the hole takes the value of its mirror image on the other side of the
    nearest edge. If that lies in the hole again, its own mirror image is used.
    """
    hole = _with_halo(cutout.mask)
    inside = np.flatnonzero(hole)
    edge = _nearest_outside(hole)
    y, x = np.divmod(inside, hole.shape[1])
    edge_y, edge_x = np.divmod(edge, hole.shape[1])
    way = np.zeros((*hole.shape, 2), np.float32)
    way[hole] = np.stack([edge_y - y, edge_x - x], axis=1)
    # Neighboring pixels can have distant edges. Smoothing keeps the mirror image whole.
    way = np.rint(2 * cv2.blur(way, (7, 7))[hole]).astype(np.intp)
    y, x = mirrored(y + way[:, 0], len(hole)), mirrored(x + way[:, 1], hole.shape[1])
    image_of = np.arange(hole.size)
    image_of[inside] = y * hole.shape[1] + x
    # Four reflections leave almost every hole; the nearest edge serves for the rest.
    seen = image_of[image_of[image_of[image_of[inside]]]]
    cleared = cutout.gray
    cleared.flat[inside] = cleared.flat[np.where(hole.flat[seen], edge, seen)]
    return cleared


def _with_halo(mask):
    """Widen a mask by the particle's halo, as far as that leaves a background."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * HALO + 1, 2 * HALO + 1))
    wide = cv2.dilate(mask.view(np.uint8), kernel).view(bool)
    return mask if wide.all() else wide


def _nearest_outside(hole):
    """Return the flat position of the nearest pixel outside, for each one inside."""
    _, labels = cv2.distanceTransformWithLabels(
        hole.view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # OpenCV numbers the pixels outside in an order of its own.
    outside = np.flatnonzero(~hole)
    position_of = np.empty(labels.max() + 1, np.intp)
    position_of[labels.flat[outside]] = outside
    return position_of[labels[hole]]


def mirrored(position, length):
    """Fold positions into 0 to length - 1 by reflection at both ends."""
    period = max(2 * length - 2, 1)
    folded = position % period
    return np.minimum(folded, period - folded) if length > 1 else folded


def noise_like(background, mask, rng):
    """Return a background without objects: its brightness and its noise.

    The brightness is a plane. The noise is Gaussian and has the power spectrum of the
    background. Values that stand out are clipped first, to keep objects out of it.
    """
    outside = background[~mask]
    median = np.median(outside)
    # 1.4826 median absolute deviations are one standard deviation of a normal law.
    reach = 3 * 1.4826 * np.median(np.abs(outside - median))
    flat = np.clip(background - median, -reach, reach)
    plane = _plane(flat)
    spectrum = np.abs(fft.rfft2(flat - plane)) / np.sqrt(flat.size)
    white = rng.standard_normal(flat.shape, dtype=np.float32)
    return fft.irfft2(fft.rfft2(white) * spectrum, s=flat.shape) + plane + median


def _plane(image):
    """Return the plane of least squares through an image."""
    # On a centered grid y, x and 1 are orthogonal: each slope is a projection.
    y, x = (np.arange(n, dtype=image.dtype) - (n - 1) / 2 for n in image.shape)
    slope_y = image.mean(axis=1) @ y / max(y @ y, 1)
    slope_x = image.mean(axis=0) @ x / max(x @ x, 1)
    return image.mean() + slope_y * y[:, None] + slope_x * x
