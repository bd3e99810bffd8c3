"""Many liposomes in one field of view, some of them over others."""

from dataclasses import replace

import numpy as np

from ._sampling import overlap, polar, sample_ice, sample_liposome

SURROUNDING = 50.0  # nm around a liposome where its pieces of ice lie
TOUCHING = 0.2  # share of liposomes that are tried at the rim of another
# Distances of two centers, in sums of the radii.
AT_THE_RIM = (0.85, 1.0)
OVER_ANOTHER = (0.2, 0.65)
N_PLACES = 100  # places tried for one liposome
# Liposomes per nm^2, up to which all find a place: disks of 50 nm on half of the field.
CROWDED = 0.5 / (np.pi * 50**2)


def sample_field(traits, extent, rng):
    """Sample a scene for each of ``traits``; their centers lie within the field.

    The field's center is the origin, and ``extent`` its height and width in nm.
    """
    scenes, doubtful = [], []
    for each in traits:
        scene, below = sample_liposome(each, rng), None
        radius = scene.outline.radius
        scene = replace(scene, ice=tuple(sample_ice(radius, radius + SURROUNDING, rng)))
        if each.doubts:
            scene, below = _cast_doubt(scene, each.doubts, doubtful, rng)
        scene = scene.moved(_find_place(radius, scenes, below, extent, rng))
        scenes.append(scene)
        if each.doubts:
            doubtful.append(scene)
    return scenes


def _cast_doubt(scene, doubts, doubtful, rng):
    """Return the scene in doubt, and the other that it shall lie over, or None.

    Both of two that overlap are hard to tell, so that the other is in doubt, too.
    """
    if not doubtful:
        doubts = [doubt for doubt in doubts if doubt is not overlap]
    doubt = doubts[rng.integers(len(doubts))]
    if doubt is overlap:
        return scene, doubtful[rng.integers(len(doubtful))]
    return doubt(scene, rng), None


def _find_place(radius, scenes, below, extent, rng):
    """Return a place that is not too near to any scene but the one below.

    In a crowded field it is the one with the most room of those tried.
    """
    others = [scene.outline for scene in scenes if scene is not below]
    centers = np.array([outline.center for outline in others]).reshape(-1, 2)
    sums = radius + np.array([outline.radius for outline in others])
    places = []
    for _ in range(N_PLACES):
        place = _propose_place(radius, scenes, below, np.divide(extent, 2), rng)
        room = np.min(np.hypot(*(centers - place).T) / sums, initial=np.inf)
        places.append((room, *place))
        if room >= AT_THE_RIM[0]:
            break
    return max(places)[1:]


def _propose_place(radius, scenes, below, half, rng):
    """Return a place over a scene, at the rim of one, or anywhere in the field."""
    if below is not None:
        base, nearness = below.outline, OVER_ANOTHER
    elif scenes and rng.random() < TOUCHING:
        base, nearness = scenes[rng.integers(len(scenes))].outline, AT_THE_RIM
    else:
        return rng.uniform(-half, half)
    place = polar(rng.uniform(*nearness) * (radius + base.radius), rng)
    return np.clip(np.add(base.center, place), -half, half)
