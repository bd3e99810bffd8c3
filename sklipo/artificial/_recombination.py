"""Artificial particles: a real or a drawn one on the background of another cut-out.

Grey values of a particle are counted in deviations of its own background, and written
in those of the new one.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from scipy import fft

from ..surrounding import find_surrounding, surrounding_level
from ._projection import FRINGE_REACH, Imaging, draw_projection
from ._scenes import sample_scene

N_CANDIDATES = 100  # backgrounds looked at for one particle
N_SCENES = 8  # liposomes looked at for one size
N_DRAWINGS = 4  # and drawn at most for one histogram,
CLOSE = 0.2  # unless one is so near, in deviations of the histogram
HALO = 4  # pixels around a mask where its particle may still show
N_QUANTILES = 65
SMALLEST_RADIUS = 2.0  # of a drawing in pixels
LEAST_SHARE = 0.25  # of the interior's variance that a drawing makes, not noise


@dataclass(frozen=True)
class Cutout:
    """One particle with its surrounding; ``mask`` is bool."""

    image: np.ndarray
    mask: np.ndarray

    @property
    def grey(self):
        """A copy of the image as floats, of double precision only if it has that."""
        is_double = self.image.dtype == np.float64
        return self.image.astype(np.float64 if is_double else np.float32)

    @cached_property
    def level(self):
        """Mean and standard deviation of the particle's surrounding."""
        return surrounding_level(self.image, self.mask)

    @property
    def surrounding(self):
        """The level, the deviation from pixel to next pixel, and the radius."""
        outside = find_surrounding(self.mask)
        steps = np.diff(self.grey)[outside[:, 1:] & outside[:, :-1]]
        grain = float(np.sqrt(np.mean(steps**2) / 2)) if steps.size else 0.0
        return *self.level, grain, self.radius

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
    def centre(self):
        """Row and column of the middle of the bounding box."""
        return tuple((inside.start + inside.stop) // 2 for inside in self.box)

    def turned(self, turn):
        """Return one of the eight cut-outs that quarter turns and a flip give."""
        return Cutout(turned(self.image, turn), turned(self.mask, turn))


def turned(image, turn):
    """Turn an image by ``turn % 4`` right angles; from 4 on, transpose it as well."""
    image = np.rot90(image, turn % 4)
    return np.ascontiguousarray(image.T if turn >= 4 else image)


def mean_and_deviation(pixels):
    """Return mean and standard deviation, computed in double precision."""
    return float(pixels.mean(dtype=np.float64)), float(pixels.std(dtype=np.float64))


def choose_background(row, donors, surroundings, rng):
    """Return the row whose background suits a particle: the best of some others.

    A suitable background is as bright, as rough and as noisy as the particle's own, so
    that nothing sticks out or leaves the pixels' range, and its particle is no larger,
    so that the place where that was is covered.
    """
    steps = rng.integers(1, len(donors), size=N_CANDIDATES)
    candidates = donors[(np.searchsorted(donors, row) + steps) % len(donors)]
    misfit = _misfit(surroundings[row], surroundings[candidates].T)
    return candidates[np.argmin(misfit)]


def _misfit(source, donors):
    """Return how badly backgrounds suit a particle; 0 is best."""
    mean, deviation, grain, radius = source
    new_mean, new_deviation, new_grain, new_radius = donors
    spread = np.maximum(deviation + new_deviation, 1e-12)
    noise = np.maximum(grain + new_grain, 1e-12)
    return (
        np.abs(new_mean - mean) / spread
        + 2 * np.abs(new_deviation - deviation) / spread
        + 2 * np.abs(new_grain - grain) / noise
        + np.maximum(new_radius / radius - 1, 0)
    )


def lay_background(donor, place):
    """Return the donor's background, as it would lie around another particle.

    The donor's particle is taken out, and the middle of the hole comes to the middle
    of ``place``, a cut-out. Where the donor ends, its mirror image follows.
    """
    rows, columns = (
        mirrored(np.arange(new_length) - new_middle + middle, length)
        for length, middle, new_length, new_middle in zip(
            donor.mask.shape, donor.centre, place.mask.shape, place.centre, strict=True
        )
    )
    return clear_particle(donor)[np.ix_(rows, columns)]


def clear_particle(cutout):
    """Return the image with the particle replaced by its mirrored surrounding.

    A pixel of the hole takes the value of its mirror image on the other side of the
    nearest edge. Where that is in the hole again, its mirror image serves in turn.
    """
    hole = _with_halo(cutout.mask)
    inside = np.flatnonzero(hole)
    edge = _nearest_outside(hole)
    y, x = np.divmod(inside, hole.shape[1])
    edge_y, edge_x = np.divmod(edge, hole.shape[1])
    way = np.zeros((*hole.shape, 2), np.float32)
    way[hole] = np.stack([edge_y - y, edge_x - x], axis=1)
    # Neighbouring pixels may have distant edges: smoothed, the mirror image is whole.
    way = np.rint(2 * cv2.blur(way, (7, 7))[hole]).astype(np.intp)
    y, x = mirrored(y + way[:, 0], len(hole)), mirrored(x + way[:, 1], hole.shape[1])
    image_of = np.arange(hole.size)
    image_of[inside] = y * hole.shape[1] + x
    seen = image_of[image_of[image_of[image_of[inside]]]]
    cleared = cutout.grey
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
    outside = np.flatnonzero(~hole)
    position_of = np.empty(labels.max() + 1, np.intp)
    position_of[labels.flat[outside]] = outside
    return position_of[labels[hole]]


def mirrored(position, length):
    """Fold positions into 0 to length - 1 by reflection at both ends."""
    period = max(2 * length - 2, 1)
    folded = position % period
    return np.minimum(folded, period - folded) if length > 1 else folded


def recombine(particle, donor, feather, gain):
    """Return the particle on the background of a donor."""
    background = lay_background(donor, particle)
    moved = _transfer(particle.grey, particle, background, particle.mask, gain)
    return background + _feathered(particle.mask, feather) * (moved - background)


def _transfer(values, particle, background, mask, gain):
    """Return the grey values of a particle, as they would be on a background.

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
    """Return the gain from which on a particle leaves the range of integer pixels.

    Its lightest and darkest hundredth do not count.
    """
    dtype = particle.image.dtype
    if dtype.kind not in "iu":
        return np.inf
    room = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max]) - new_mean
    contrast = np.percentile(particle.image[particle.mask], [1, 99]) - particle.level[0]
    gains = room[room * contrast > 0] / contrast[room * contrast > 0]
    return float(gains.min(initial=np.inf))


def _feathered(mask, feather):
    """Return weights: 1 in the mask, falling to 0 over some pixels around it."""
    distance = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 5)
    ramp = np.clip(1 - distance / np.float32(feather + 1), 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def draw_like(template, donor, traits, nm_per_pixel, feather, gain, rng):
    """Return image and mask of a drawn liposome that has a real one's statistics.

    It has the template's radius, lies on the donor's background, and its grey values
    have the template's quantiles. Of a few drawings the one is taken that needs to be
    changed least.
    """
    best = np.inf
    for _ in range(N_DRAWINGS):
        drawing = _draw_once(template, donor, traits, nm_per_pixel, feather, gain, rng)
        misfit = _histogram_misfit(*drawing)
        if misfit < best:
            best, chosen = misfit, drawing
        if misfit < CLOSE:
            break
    image, mask, target = chosen
    return _match_quantiles(image, mask, target, feather), mask


def _draw_once(template, donor, traits, nm_per_pixel, feather, gain, rng):
    """Return image and mask of a liposome on a background, and the grey values wanted.

    The liposome is as strong as makes their variance that of the grey values wanted.
    """
    drawn = _draw_contrast(traits, template, nm_per_pixel, rng)
    mask, background = drawn.mask, lay_background(donor, drawn)
    wanted = template.grey[template.mask]
    target = _transfer(wanted, template, background, mask, gain)
    noise = _noise_like(background, mask, rng)
    image = background + _feathered(mask, feather) * (noise - background)
    variance = max(target.var() - image[mask].var(), LEAST_SHARE * target.var())
    strength = np.sqrt(variance / max(drawn.image[mask].var(), 1e-12))
    return image + drawn.image * strength.astype(image.dtype), mask, target


def _draw_contrast(traits, template, nm_per_pixel, rng):
    """Draw a liposome: the grey values that it adds to the background, and its mask.

    Of several liposomes the one nearest to the template in nm is taken, and brought to
    its very radius in pixels.
    """
    # A smaller outline might fall between the pixels.
    radius = max(template.radius, SMALLEST_RADIUS)
    margin = max(map(max, template.margins))
    wanted = np.log(radius * nm_per_pixel)
    scenes = [sample_scene(traits, margin * nm_per_pixel, rng) for _ in range(N_SCENES)]
    scene = min(scenes, key=lambda s: abs(np.log(s.outline.radius) - wanted))
    pixel = scene.outline.radius / radius
    half = int((scene.outline.reach + FRINGE_REACH) / pixel) + 2 + margin
    length = fft.next_fast_len(2 * half + 1, real=True)
    y, x = (np.arange(length) - half + rng.uniform(size=(2, 1))) * pixel
    imaging = replace(Imaging.sample(0.0, rng), unevenness=0.0, tilt=(0.0, 0.0))
    grey, mask = draw_projection(_alone(scene), imaging, y, x, rng)
    box = Cutout(grey, mask).box
    window = tuple(
        slice(inside.start - before, inside.stop + after)
        for inside, (before, after) in zip(box, template.margins, strict=True)
    )
    return Cutout(grey[window] - np.float32(imaging.mean), mask[window].copy())


def _alone(scene):
    """Leave out what lies beside the liposome: the new background has its own."""

    def overlaps(outline):
        return np.hypot(*outline.centre) < outline.reach + scene.outline.reach

    return replace(
        scene,
        neighbours=tuple(n for n in scene.neighbours if overlaps(n.outline)),
        ice=tuple(filter(overlaps, scene.ice)),
    )


def _noise_like(background, mask, rng):
    """Return a background without things in it: its brightness and its noise.

    The brightness is a plane, the noise Gaussian and of the background's power
    spectrum. What stands out is cut down before, so that it does not count.
    """
    outside = background[~mask]
    median = np.median(outside)
    reach = 3 * 1.4826 * np.median(np.abs(outside - median))  # 3 robust deviations
    flat = np.clip(background - median, -reach, reach)
    plane = _plane(flat)
    spectrum = np.abs(fft.rfft2(flat - plane)) / np.sqrt(flat.size)
    white = rng.standard_normal(flat.shape, dtype=np.float32)
    return fft.irfft2(fft.rfft2(white) * spectrum, s=flat.shape) + plane + median


def _plane(image):
    """Return the plane of least squares through an image."""
    y, x = (np.arange(n, dtype=image.dtype) - (n - 1) / 2 for n in image.shape)
    slope_y = image.mean(axis=1) @ y / max(y @ y, 1)
    slope_x = image.mean(axis=0) @ x / max(x @ x, 1)
    return image.mean() + slope_y * y[:, None] + slope_x * x


def _quantiles(values):
    """Return evenly spaced quantiles, from the smallest value to the largest."""
    ranks = np.linspace(0, values.size - 1, N_QUANTILES).astype(np.intp)
    return np.sort(values)[ranks]


def _histogram_misfit(image, mask, target):
    """Return the mean distance of quantiles, each in deviations from their mean."""
    shapes = []
    for quantiles in (_quantiles(image[mask]), _quantiles(target)):
        mean, deviation = mean_and_deviation(quantiles)
        shapes.append((quantiles - mean) / (deviation or 1.0))
    return float(np.abs(shapes[0] - shapes[1]).mean())


def _match_quantiles(image, mask, target, feather):
    """Bring the grey values in the mask to a target's quantiles, less so around it."""
    weight = _feathered(mask, feather)
    near = weight > 0
    values = image[near]
    fitted = np.interp(values, _quantiles(image[mask]), _quantiles(target))
    matched = image.copy()
    matched[near] += weight[near] * (fitted - values).astype(image.dtype)
    return matched


def as_pixels(values, dtype):
    """Return values as pixels of a dtype: rounded and clipped unless it is float."""
    if dtype.kind == "f":
        return values.astype(dtype)
    if dtype.kind == "b":
        return values > 0.5
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)
