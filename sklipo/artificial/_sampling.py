"""Scenes at random, class by class: sizes, lamellae, drug and reasons for doubt."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ._scenes import N_ANGLES, Content, Outline, Scene, Vesicle

TIGHTEST_SPACING = 6.5  # nm from bilayer to bilayer
LUMEN = 8.0  # nm, least radius of the innermost bilayer, its thickness included
SMALLEST_RADIUS, LARGEST_RADIUS = 15.0, 100.0  # nm
# In nm, of unilamellar and of multilamellar liposomes. Section 10.1 of the thesis: the
# latter are larger on average, but small and large ones occur in both classes.
MEDIAN_RADIUS = (42.0, 58.0)
RADIUS_SPREAD = 0.32  # standard deviation of the logarithm


def sample_outline(radius, rng, center=(0.0, 0.0), roughness=1.0):
    """Bend an ellipse gently by Fourier modes 2 to 5; its area is pi * radius**2."""
    angles = np.arange(N_ANGLES) * (2 * np.pi / N_ANGLES)
    aspect = min(1 + 0.12 * roughness * rng.exponential(), 1.6)
    turned = angles - rng.uniform(0, np.pi)
    radii = 1 / np.hypot(np.cos(turned), aspect * np.sin(turned))
    # Mode 0 would change the size and mode 1 the position.
    for mode in range(2, 6):
        amplitude = roughness * rng.normal(0, 0.05) / mode
        radii *= 1 + amplitude * np.cos(mode * angles + rng.uniform(0, 2 * np.pi))
    radii *= radius / np.sqrt(np.mean(radii**2))
    return Outline(radii.astype(np.float32), center)


def sample_scene(traits, surrounding, rng):
    """Sample a scene of a class; ``surrounding`` is its margin in nm."""
    scene = sample_liposome(traits, rng)
    radius = scene.outline.radius
    scene = replace(
        scene,
        neighbors=tuple(_sample_neighbors(radius, radius + surrounding, rng)),
        ice=tuple(sample_ice(radius, radius + surrounding, rng)),
    )
    if traits.doubts:
        scene = traits.doubts[rng.integers(len(traits.doubts))](scene, rng)
    return scene


def sample_liposome(traits, rng):
    """Sample a liposome of a class, without doubts and with nothing around it."""
    n_lamellae = 1
    if rng.random() < traits.multilamellar:
        n_lamellae = int(rng.choice([2, 3, 4, 5, 6], p=[0.5, 0.22, 0.14, 0.08, 0.06]))
    radius = _sample_radius(MEDIAN_RADIUS[n_lamellae > 1], rng)
    vesicles = sample_vesicles(radius, n_lamellae, rng)
    filled = rng.random() < traits.filled
    return Scene(vesicles, (_sample_content(vesicles, rng),) if filled else ())


def _sample_radius(median, rng):
    """Sample a log-normal radius in nm."""
    radius = median * np.exp(rng.normal(0, RADIUS_SPREAD))
    return float(np.clip(radius, SMALLEST_RADIUS, LARGEST_RADIUS))


def sample_vesicles(radius, n_lamellae, rng):
    """Nest bilayers; the innermost may be a small vesicle that lies off the center.

    A small liposome has room for fewer lamellae than asked for, but always for two.
    """
    n_lamellae = min(n_lamellae, 1 + int((radius - LUMEN) // TIGHTEST_SPACING))
    n_spacings = n_lamellae - 1
    detached = n_spacings and radius > 10 + 20 * n_spacings and rng.random() < 0.3
    # A detached vesicle needs room to lie off the center.
    lumen = 0.65 * radius if detached else LUMEN
    n_spacings -= bool(detached)
    widest = (radius - lumen) / max(n_spacings, 1)
    spacings = TIGHTEST_SPACING + rng.gamma(1.5, 3.0, size=n_spacings)
    depths = np.append(0.0, np.cumsum(np.minimum(spacings, widest)))
    # Broken inner lamellae look fainter.
    densities = np.append(1.0, rng.uniform(0.3, 1.0, size=n_spacings))
    nested = Vesicle(
        sample_outline(radius, rng), tuple(depths.tolist()), tuple(densities.tolist())
    )
    return (nested, _sample_inner(nested, rng)) if detached else (nested,)


def _sample_inner(outer, rng):
    """Put a small vesicle anywhere within the innermost bilayer of another."""
    radius = rng.uniform(LUMEN, max(0.85 * outer.room, LUMEN))
    center = polar(rng.uniform(0, 0.9) * max(outer.room - radius, 0), rng)
    outline = sample_outline(radius, rng, center, roughness=0.5)
    return Vesicle(outline, densities=(rng.uniform(0.4, 1.0),))


def _sample_content(vesicles, rng):
    """Fill the lumen with a crystal bundle or, one time in four, with a dense core."""
    across = 2 * max(vesicles[0].room, 5.0)
    if rng.random() < 0.25:
        length = width = across * rng.uniform(0.7, 0.95)
    else:
        length, width = across * rng.uniform((0.7, 0.25), (1.0, 0.5))
    # Bundles are flat: a wider one is not darker.
    density = rng.uniform(0.4, 1.4) * 15 / max(width, 15)
    return Content(float(length), float(width), rng.uniform(0, np.pi), density)


def _sample_neighbors(radius, reach, rng):
    """Yield other liposomes; one particle in seven is slightly overlapped by one."""
    for nth in range(rng.poisson(1.3)):
        other = _sample_radius(MEDIAN_RADIUS[0], rng)
        overlapping = nth == 0 and rng.random() < 0.2
        nearness = rng.uniform(0.85, 1.0) if overlapping else rng.uniform(1.1, 1.6)
        distance = nearness * (radius + other)
        if distance < reach + other:
            yield _sample_neighbor(other, distance, rng)


def _sample_neighbor(radius, distance, rng):
    """Sample one liposome at a distance, in any direction."""
    n_lamellae = 1 + int(rng.random() < 0.2)
    vesicle = sample_vesicles(radius, n_lamellae, rng)[0]
    return replace(
        vesicle, outline=replace(vesicle.outline, center=polar(distance, rng))
    )


def sample_ice(radius, reach, rng):
    """Yield dark pieces of ice beside the particle, some over its rim."""
    for _ in range(rng.poisson(0.3)):
        center = polar(rng.uniform(radius, reach), rng)
        yield sample_outline(rng.uniform(6, 22), rng, center, roughness=2.0)


def overlap(scene, rng):
    """Let another liposome lie over much of the particle."""
    radius = scene.outline.radius
    other = _sample_radius(radius, rng)
    distance = rng.uniform(0.2, 0.65) * (radius + other)
    over = _sample_neighbor(other, distance, rng)
    return replace(scene, neighbors=(over, *scene.neighbors))


def _cover(scene, rng):
    """Let a large piece of ice lie over the particle."""
    radius = scene.outline.radius
    center = polar(radius * rng.uniform(0, 0.6), rng)
    blob = sample_outline(radius * rng.uniform(0.4, 0.9), rng, center, roughness=2.0)
    return replace(scene, ice=(blob, *scene.ice))


def _fade(scene, rng):
    """Take contrast and sharpness away."""
    faint, blur = rng.uniform(0.45, 0.85), rng.uniform(0.8, 1.8)
    return replace(scene, contrast=faint, blur=blur)


def _half_fill(scene, rng):
    """Leave a trace of the drug that is too weak to tell."""
    content = _sample_content(scene.vesicles, rng)
    shrunk, weak = rng.uniform(0.4, 0.8), rng.uniform(0.3, 0.6)
    content = replace(
        content,
        length=content.length * shrunk,
        width=content.width * shrunk,
        density=content.density * weak,
    )
    return replace(scene, contents=(content,))


def polar(distance, rng):
    """Return a point (y, x) at a distance from the origin, in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    return float(distance * np.sin(angle)), float(distance * np.cos(angle))


@dataclass(frozen=True)
class Traits:
    """What makes a class of liposomes.

    ``count`` is its number of particles in the thesis; ``multilamellar`` and ``filled``
    are the shares of liposomes with these properties. One of the ``doubts``, at random,
    changes the scene of each particle.
    """

    count: int
    multilamellar: float
    filled: float
    doubts: tuple[Callable, ...] = ()


# Counts as in Tables 1 and 2 of the thesis.
CLASSES = {
    "lamellarity": {
        "unilamellar": Traits(12_368, multilamellar=0.0, filled=0.25),
        "multilamellar": Traits(1_717, multilamellar=1.0, filled=0.25),
        "uncertain": Traits(84, 0.5, 0.25, doubts=(overlap, _cover, _fade)),
    },
    "encapsulation": {
        "full": Traits(24_255, multilamellar=0.12, filled=1.0),
        "uncertain": Traits(502, 0.12, 0.5, (overlap, _cover, _fade, _half_fill)),
        "empty": Traits(161, multilamellar=0.12, filled=0.0),
    },
}
