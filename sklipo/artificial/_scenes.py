"""The field of view around an artificial liposome, in nm.

A scene knows nothing of pixels or of gray values: ``_sampling.py`` makes one at random,
and ``_projection.py`` or ``_perlin.py`` draws it.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

BILAYER_THICKNESS = 5.0
# An outline's radius is tabulated at so many angles: at the largest radius, 100 nm,
# they are 0.6 nm apart, less than the usual pixel of 1 nm.
N_ANGLES = 1024


@dataclass(frozen=True)
class Outline:
    """A closed curve around ``center`` (y, x), its radius tabulated over the angle."""

    radii: np.ndarray
    center: tuple[float, float] = (0.0, 0.0)

    @cached_property
    def radius(self):
        """Radius of the circle of equal area, sqrt(area / pi)."""
        return float(np.sqrt(np.mean(np.square(self.radii, dtype=float))))

    @cached_property
    def reach(self):
        """Largest distance of the curve from its center."""
        return float(self.radii.max())

    def depth(self, y, x):
        """Return the distance from the points to the curve; positive inside.

        It is exact to first order: the distance along the radius times the cosine of
        the angle between the radius and the normal of the curve.
        """
        dy = (y - self.center[0]).astype(np.float32)
        dx = (x - self.center[1]).astype(np.float32)
        turn = np.arctan2(dy, dx) * np.float32(N_ANGLES / (2 * np.pi))
        # Negative angles are negative indices, which mode="wrap" of take allows.
        index = np.rint(turn).astype(np.intp)
        rise = np.roll(self.radii, -1) - np.roll(self.radii, 1)
        slope = rise / self.radii * (N_ANGLES / (4 * np.pi))
        cosine = (1 / np.sqrt(1 + slope**2)).astype(np.float32)
        gap = np.take(self.radii, index, mode="wrap") - np.sqrt(dy**2 + dx**2)
        return gap * np.take(cosine, index, mode="wrap")


@dataclass(frozen=True)
class Vesicle:
    """Concentric bilayers; ``depths`` of their outer faces below the outline."""

    outline: Outline
    depths: tuple[float, ...] = (0.0,)
    densities: tuple[float, ...] = (1.0,)

    @property
    def room(self):
        """Radius of a ball that fits inside the innermost bilayer."""
        return float(self.outline.radii.min()) - self.depths[-1] - BILAYER_THICKNESS


@dataclass(frozen=True)
class Content:
    """An ellipsoid of drug: a crystal if elongated, a dense core if round."""

    length: float
    width: float
    angle: float
    density: float
    center: tuple[float, float] = (0.0, 0.0)

    def thickness(self, y, x):
        """Return the length of the beam's path through the ellipsoid."""
        dy = (y - self.center[0]).astype(np.float32)
        dx = (x - self.center[1]).astype(np.float32)
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        along = (dx * cos + dy * sin) * np.float32(2 / self.length)
        across = (dy * cos - dx * sin) * np.float32(2 / self.width)
        inside = np.maximum(1 - along**2 - across**2, 0)
        # The ellipsoid is as deep along the beam as it is wide.
        return np.float32(self.width) * np.sqrt(inside)


@dataclass(frozen=True)
class Scene:
    """The particle (its first vesicle is the outermost) and the objects around it."""

    vesicles: tuple[Vesicle, ...]
    contents: tuple[Content, ...] = ()
    neighbors: tuple[Vesicle, ...] = ()
    ice: tuple[Outline, ...] = ()
    contrast: float = 1.0
    blur: float = 0.0

    @property
    def outline(self):
        """Outer edge of the particle's outermost membrane."""
        return self.vesicles[0].outline

    def moved(self, place):
        """Return the scene with its origin at a place (y, x)."""

        def move(body):
            center = body.center[0] + place[0], body.center[1] + place[1]
            return replace(body, center=center)

        def move_vesicles(vesicles):
            return tuple(replace(v, outline=move(v.outline)) for v in vesicles)

        return replace(
            self,
            vesicles=move_vesicles(self.vesicles),
            contents=tuple(map(move, self.contents)),
            neighbors=move_vesicles(self.neighbors),
            ice=tuple(map(move, self.ice)),
        )

    @property
    def n_lamellae(self):
        """Number of the particle's bilayers."""
        return sum(len(vesicle.depths) for vesicle in self.vesicles)

    @property
    def lamellar_spacing(self):
        """Mean distance of the bilayers that follow the outline; 0 for one."""
        depths = self.vesicles[0].depths
        return (depths[-1] - depths[0]) / max(len(depths) - 1, 1)
