"""Drawn liposomes with the radius, the gray values and the background of real ones."""

from dataclasses import replace

import numpy as np
from scipy import fft

from ..images._numbers import mean_and_deviation
from ._backgrounds import lay_background, noise_like
from ._cutouts import Cutout
from ._projection import FRINGE_REACH, Imaging, draw_projection
from ._recombination import feathered, transfer
from ._sampling import sample_scene

N_SCENES = 8  # liposomes sampled per drawing, to come near the radius
N_DRAWINGS = 4  # drawings tried per particle
CLOSE = 0.2  # stop early below this histogram misfit, in standard deviations
N_QUANTILES = 65
SMALLEST_RADIUS = 2.0  # pixels; a smaller outline might fall between the pixels
LEAST_SHARE = 0.25  # of the variance in the mask is the drawing, however noisy the rest


def draw_like(template, donor, traits, nm_per_pixel, feather, gain, rng):
    """Return image and mask of a drawn liposome with the statistics of a real one.

    It has the template's radius, lies on the donor's background, and its gray values
    have the template's quantiles. The drawing that needs the smallest change is used.
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
    """Return image and mask of a liposome on a background, and its target values."""
    drawn = _draw_contrast(traits, template, nm_per_pixel, rng)
    mask, background = drawn.mask, lay_background(donor, drawn)
    values = template.gray[template.mask]
    target = transfer(values, template, background, mask, gain)
    # Objects on the background would show through the liposome.
    noise = noise_like(background, mask, rng)
    image = background + feathered(mask, feather) * (noise - background)
    # Scale the liposome so that the variance inside the mask matches the target's.
    variance = max(target.var() - image[mask].var(), LEAST_SHARE * target.var())
    deviation = mean_and_deviation(drawn.image[mask])[1]
    strength = np.sqrt(variance) / deviation if deviation else 0.0
    return image + drawn.image * image.dtype.type(strength), mask, target


def _draw_contrast(traits, template, nm_per_pixel, rng):
    """Draw a liposome: its mask, and the gray values that it adds to a background.

    The liposome nearest to the template in nm, of several, is drawn with the template's
    radius in pixels.
    """
    radius = max(template.radius, SMALLEST_RADIUS)
    margin = max(map(max, template.margins))
    log_radius = np.log(radius * nm_per_pixel)
    scenes = [sample_scene(traits, margin * nm_per_pixel, rng) for _ in range(N_SCENES)]
    scene = min(scenes, key=lambda s: abs(np.log(s.outline.radius) - log_radius))
    pixel = scene.outline.radius / radius
    half = int((scene.outline.reach + FRINGE_REACH) / pixel) + 2 + margin
    length = fft.next_fast_len(2 * half + 1, real=True)
    y, x = (np.arange(length) - half + rng.uniform(size=(2, 1))) * pixel
    # Noise and brightness are those of the background.
    imaging = replace(Imaging.sample(0.0, rng), unevenness=0.0, tilt=(0.0, 0.0))
    gray, mask = draw_projection(_alone(scene), imaging, y, x, rng)
    box = Cutout(gray, mask).box
    window = tuple(
        slice(inside.start - before, inside.stop + after)
        for inside, (before, after) in zip(box, template.margins, strict=True)
    )
    return Cutout(gray[window] - np.float32(imaging.mean), mask[window].copy())


def _alone(scene):
    """Leave out objects beside the liposome: the new background has its own."""

    def overlaps(outline):
        return np.hypot(*outline.center) < outline.reach + scene.outline.reach

    return replace(
        scene,
        neighbors=tuple(n for n in scene.neighbors if overlaps(n.outline)),
        ice=tuple(filter(overlaps, scene.ice)),
    )


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
    """Bring the gray values in the mask to a target's quantiles, less so around it."""
    weight = feathered(mask, feather)
    near = weight > 0
    values = image[near]
    fitted = np.interp(values, _quantiles(image[mask]), _quantiles(target))
    matched = image.copy()
    matched[near] += weight[near] * (fitted - values).astype(image.dtype)
    return matched
