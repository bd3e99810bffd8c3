"""Artificial cut-outs of liposomes with known truth."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import fft

# Private parts of scikit-learn: the constraints of parameters.
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._jobs import N_JOBS
from .._random import own_seed
from ..artificial._perlin import BEND, RING_WIDTH, draw_perlin
from ..artificial._projection import (
    FRINGE_REACH,
    USUAL_RANGES,
    WIDEST_RANGES,
    Imaging,
    draw_projection,
)
from ..artificial._sampling import CLASSES, sample_scene
from ..images import ImageArray
from ._class_counts import class_counts

_PARTICLES_PER_MICROGRAPH = 40
_FEWEST_MICROGRAPHS = 10
# The full width at half maximum of a normal distribution is sqrt(8 log 2) sigma.
_THICKNESSES = {
    "projection": lambda imaging: imaging.bilayer_thickness,
    "perlin": lambda imaging: RING_WIDTH * np.sqrt(8 * np.log(2)),
}
_PIXEL_SIZES = (0.01, 10)  # nm, between which sizes can be drawn


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "problem": [StrOptions(set(CLASSES))],
        "weights": ["array-like", dict, StrOptions({"thesis"}), None],
        "style": [StrOptions({"projection", "perlin"})],
        "pixel_size": [
            Interval(Real, 0, _PIXEL_SIZES[1], closed="right"),
            "array-like",
        ],
        "margin": [Interval(Integral, 0, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "conditions": [dict, None],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_liposomes(
    n_samples=1000,
    problem="lamellarity",
    *,
    weights="thesis",
    style="projection",
    pixel_size=1.0,
    margin=50,
    noise=1.0,
    conditions=None,
    n_jobs=None,
    random_state=None,
):
    r"""Draw liposomes as a cryo electron microscope shows them, with known truth.

    Each row is one particle: its cut-out, its mask, its class, and the truth about it.
    Particles of one micrograph share its defocus, electron dose, ice and gray levels.
    Cross-validation should therefore be grouped by micrograph.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of particles.
    problem : {"lamellarity", "encapsulation"}, default="lamellarity"
        The classes tell the number of bilayers ("unilamellar", "multilamellar",
        "uncertain") or whether there is drug inside ("full", "uncertain", "empty").
    weights : "thesis", array-like of shape (3,), dict or None, default="thesis"
        Share of each class: as in Tables 1 and 2 of [1]_, or in the order of the
        classes above, or by class name; None for equal shares. Shares need not add
        up to 1. Particles are shared out by largest remainder, but each class of
        positive weight gets at least one.
    style : {"projection", "perlin"}, default="projection"
        "projection" draws the electron density that the beam meets, as the
        microscope transfers it. "perlin" draws circles with random distortions, off
        the center of the cut-out, on Perlin noise, as in section 4.8.4 of [1]_.
    pixel_size : float or tuple of (float, float), default=1.0
        Size of a pixel in nm, at most 10; or between which sizes the logarithm of that
        of each micrograph is drawn uniformly.
    margin : int, default=50
        Surrounding of the particle in pixels: the cut-out is the bounding box of the
        mask, grown by the margin on each side. In style "perlin" the particle is
        shifted by at most half of the margin.
    noise : float, default=1.0
        Factor on the random noise of single pixels; 0 leaves it out.
    conditions : dict of (float, float), default=None
        Between what the conditions of a micrograph are drawn, by name, in place of the
        usual ranges, which the Notes list. A pair of equal numbers fixes one.
    n_jobs : int, default=None
        Number of threads. None means 1 unless in a :obj:`joblib.parallel_config`
        context; -1 means all processors. The particles are the same for any number.
    random_state : int, RandomState instance or None, default=None
        Determines everything random. Pass an int for the same particles in each call.

    Returns
    -------
    DataFrame of shape (n_samples, 11)
        A particle table in random order:

        - image : cut-out, uint8, vacuum bright and matter dark;
        - mask : the area within the outer face of the outermost bilayer, bool;
        - pixel_size : in nm;
        - label : the class;
        - micrograph : the name of the particle's micrograph. There is one for every
          40 particles, and at least 10 if there are 10 particles;
        - radius_nm : radius of the circle of the mask's area, in nm, about 15 to 100;
        - n_lamellae : number of bilayers, 1 to 6;
        - bilayer_thickness : from face to face in nm, 5.0 by default; in style "perlin"
          the full width at half maximum of a ring, 4.7;
        - lamellar_spacing : mean distance from bilayer to bilayer of those that follow
          the outline, in nm, 0 if fewer than two do;
        - n_inner_vesicles : 1 if one of the bilayers is that of a vesicle that lies
          anywhere within the others, else 0;
        - filled : whether there is drug inside, a trace included.

    Raises
    ------
    ValueError
        If a parameter is out of its range, if weights do not fit the classes, or if
        there are fewer particles than classes.

    See Also
    --------
    sklipo.measures.lamellae : Measures what the columns of the truth tell.
    sklipo.datasets.make_micrographs : Draw whole micrographs of liposomes.
    sklipo.datasets.load_particles : Read a table of real particles.
    sklipo.datasets.extract_particles : Cut particles out of a micrograph.
    sklearn.datasets.make_classification : Draw points instead of images.

    Notes
    -----
    In style "projection" a bilayer is a shell 5 nm thick, its two headgroup layers
    4 nm apart and denser than water, its tails between them less dense. A ball of
    radius :math:`a` has at distance :math:`r` from its center the chord
    :math:`2\sqrt{a^2 - r^2}`, and a shell is the difference of two balls; it follows
    an outline that is an ellipse bent by Fourier modes. Drug is an ellipsoid. The
    weak-phase approximation [2]_ turns the projected density :math:`\rho` with
    Fourier transform :math:`\hat\rho(k)` into an intensity whose transform is

    .. math:: \delta(k) - c\,\hat\rho(k)\,E(k)
        \left(\sqrt{1 - q^2}\sin\chi + q\cos\chi\right),
        \qquad \chi = \pi\lambda\,\Delta f\,k^2

    with wavelength :math:`\lambda` at 200 kV, defocus :math:`\Delta f`, amplitude
    contrast :math:`q`, damping :math:`E` and scale :math:`c`. Pieces of ice absorb
    by Beer's law. The noise is that of counting electrons, and of the ice's own
    grain before the microscope.

    The conditions of a micrograph, and between what they lie: ``"defocus"``, 900 to
    2800 nm; ``"dose"``, 300 to 1200 electrons per square nm, of which the logarithm is
    uniform; ``"amplitude_contrast"``, 0.15 to 0.35; ``"grain"`` of the ice, 1 to 2.5
    times the density of a headgroup; ``"unevenness"`` of its brightness, 0 to 0.04 of
    the beam; ``"mean"`` gray level, 120 to 160; ``"stretch"``, 200 to 340 gray levels
    for a full beam; and ``"bilayer_thickness"``, 5 nm. Style "perlin" knows dose,
    unevenness, mean and stretch only.

    A particle becomes uncertain in one of these ways: another liposome or a piece of
    ice lies over it, or it is faint and out of focus, or (encapsulation) only a trace
    of drug is inside. The truth columns describe the drawn particle, visible or not.
    Size and brightness alone do not tell the classes apart, but multilamellar liposomes
    are larger on average (section 10.1 of [1]_). Perlin noise is that of [3]_.

    References
    ----------
    .. [1] Gryshkevych, S. (2016). Convolutional neural networks for classification of
       transmission electron microscopy imagery. Thesis, Uppsala University.
    .. [2] Wade, R. H. (1992). A brief look at imaging and contrast transfer.
       Ultramicroscopy 46, 145-156.
    .. [3] Perlin, K. (1985). An image synthesizer. SIGGRAPH Computer Graphics 19(3),
       287-296.

    Examples
    --------
    >>> from sklipo.datasets import make_liposomes
    >>> particles = make_liposomes(20, weights=[6, 3, 1], random_state=0)
    >>> particles["label"].value_counts().to_dict()
    {'unilamellar': 12, 'multilamellar': 6, 'uncertain': 2}
    >>> particles.loc[particles["label"] == "unilamellar", "n_lamellae"].unique()
    array([1])
    >>> image, mask = particles.loc[0, ["image", "mask"]]
    >>> image.shape == mask.shape
    True
    """
    classes = CLASSES[problem]
    counts = class_counts(n_samples, weights, classes)
    seeds = np.random.SeedSequence(own_seed(random_state))
    table_seed, imaging_seed, particle_seed = seeds.spawn(3)
    rng = np.random.default_rng(table_seed)
    labels = rng.permutation(np.repeat(list(classes), counts))
    # Small tables need enough micrographs, too, to group folds by them.
    wanted = max(n_samples // _PARTICLES_PER_MICROGRAPH, _FEWEST_MICROGRAPHS)
    n_micrographs = min(wanted, n_samples)
    micrographs = rng.permutation(np.arange(n_samples) % n_micrographs)
    imaging, pixel_sizes = _sample_micrographs(
        noise, conditions, pixel_size, imaging_seed.spawn(n_micrographs)
    )
    # A seed for each particle: the same particles for any number of threads.
    drawn = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_draw_particle)(
            classes[label], imaging[number], style, pixel_sizes[number], margin, seed
        )
        for label, number, seed in zip(
            labels, micrographs, particle_seed.spawn(n_samples), strict=True
        )
    )
    images, masks, scenes = zip(*drawn, strict=True)
    areas, sizes = [np.count_nonzero(mask) for mask in masks], pixel_sizes[micrographs]
    thickness = _THICKNESSES[style]
    return pd.DataFrame(
        {
            "image": ImageArray(images),
            "mask": ImageArray(masks),
            "pixel_size": sizes,
            "label": labels,
            "micrograph": [f"micrograph_{number:04d}" for number in micrographs],
            "radius_nm": np.sqrt(np.divide(areas, np.pi)) * sizes,
            "n_lamellae": [scene.n_lamellae for scene in scenes],
            "bilayer_thickness": [thickness(imaging[number]) for number in micrographs],
            "lamellar_spacing": [scene.lamellar_spacing for scene in scenes],
            "n_inner_vesicles": [len(scene.vesicles) - 1 for scene in scenes],
            "filled": [bool(scene.contents) for scene in scenes],
        }
    )


def _sample_micrographs(noise, conditions, pixel_size, seeds):
    """Return the conditions of each micrograph, and the size of its pixels."""
    ranges = _check_conditions(conditions)
    if isinstance(pixel_size, Real):
        smallest = largest = float(pixel_size)
    else:
        smallest, largest = _check_range("pixel_size", pixel_size, *_PIXEL_SIZES)
    imaging, pixel_sizes = [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        imaging.append(Imaging.sample(noise, rng, ranges))
        pixel_sizes.append(smallest * (largest / smallest) ** rng.uniform())
    return imaging, np.array(pixel_sizes)


def _check_conditions(conditions):
    """Return the ranges of all conditions, or say which cannot be drawn."""
    conditions = conditions or {}
    unknown = sorted(map(str, conditions.keys() - USUAL_RANGES.keys()))
    if unknown:
        raise ValueError(
            f"conditions has the unknown names {unknown}; known are "
            f"{list(USUAL_RANGES)}."
        )
    return USUAL_RANGES | {
        name: _check_range(f"conditions[{name!r}]", pair, *WIDEST_RANGES[name])
        for name, pair in conditions.items()
    }


def _check_range(name, pair, least, most):
    """Return the two numbers of a range, or say what is wrong with it."""
    numbers = list(pair) if np.ndim(pair) == 1 else []
    is_pair = len(numbers) == 2 and all(isinstance(n, Real) for n in numbers)
    if not (is_pair and least <= numbers[0] <= numbers[1] <= most):
        raise ValueError(
            f"{name}={pair!r}; expected a pair of numbers from {least:g} to {most:g}, "
            "the smaller one first."
        )
    return tuple(map(float, numbers))


def _draw_particle(traits, imaging, style, pixel_size, margin, seed):
    """Return image, mask and scene of one particle, which its own seed determines."""
    rng = np.random.default_rng(seed)
    scene = sample_scene(traits, margin * pixel_size, rng)
    if style == "perlin":
        draw, spare, wander = draw_perlin, BEND * scene.outline.radius, margin // 2
    else:
        draw, spare, wander = draw_projection, FRINGE_REACH, 0
    half = int((scene.outline.reach + spare) / pixel_size) + 2 + margin + wander
    # A length with small prime factors: the Fourier transform of others is far slower.
    length = fft.next_fast_len(2 * half + 1, real=True)
    y, x = (np.arange(length) - half + rng.uniform(size=(2, 1))) * pixel_size
    gray, mask = draw(scene, imaging, y, x, rng)
    shift = rng.integers(-wander, wander, size=2, endpoint=True)
    window = tuple(
        slice(inside[0] - margin + by, inside[-1] + 1 + margin + by)
        for inside, by in zip(_extent(mask), shift, strict=True)
    )
    image = np.clip(np.rint(gray[window]), 0, 255).astype(np.uint8)
    return image, mask[window].copy(), scene


def _extent(mask):
    """Find the rows and the columns that a mask touches."""
    return np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
