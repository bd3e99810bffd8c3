"""Artificial micrographs of liposomes with known instances."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from scipy import fft

# Private parts of scikit-learn: the constraints of parameters.
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._random import own_seed
from ..artificial._fields import CROWDED, sample_field
from ..artificial._projection import FRINGE_REACH, Imaging, draw_field, outline_mask
from ..artificial._sampling import CLASSES
from ._class_counts import class_shares
from ._gray import MAX_PIXELS
from ._instances import Instance, tabulate
from .micrographs import Micrograph

# nm. Over a wider field the brightness changes no more than over so much.
_TILTED = 400


@validate_params(
    {
        "n_micrographs": [Interval(Integral, 1, None, closed="left")],
        "problem": [StrOptions(set(CLASSES))],
        "n_particles": [Interval(Integral, 1, None, closed="left")],
        "shape": ["array-like"],
        "weights": ["array-like", dict, StrOptions({"thesis"}), None],
        "pixel_size": [Interval(Real, 0, 10, closed="right")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_micrographs(
    n_micrographs=10,
    problem="lamellarity",
    *,
    n_particles=40,
    shape=(4096, 4096),
    weights="thesis",
    pixel_size=1.0,
    noise=1.0,
    random_state=None,
):
    """Draw micrographs of liposomes, with the pixels and the class of each.

    What :func:`make_liposomes` draws in cut-outs lies in one field here. The edges of
    the micrograph cut some liposomes off, and some overlap: the beam passes through
    both, so that both are seen, and pixels belong to both masks.

    Parameters
    ----------
    n_micrographs : int, default=10
        Number of micrographs.
    problem : {"lamellarity", "encapsulation"}, default="lamellarity"
        The classes tell the number of bilayers ("unilamellar", "multilamellar",
        "uncertain") or whether there is drug inside ("full", "uncertain", "empty").
    n_particles : int, default=40
        Number of liposomes in each micrograph.
    shape : tuple of int (height, width), default=(4096, 4096)
        Shape of a micrograph in pixels.
    weights : "thesis", array-like of shape (3,), dict or None, default="thesis"
        Share of each class, as in :func:`make_liposomes`. The class of each liposome is
        drawn at random by these, so that the counts differ between micrographs.
    pixel_size : float, default=1.0
        Size of a pixel in nm, at most 10.
    noise : float, default=1.0
        Factor on the random noise of single pixels; 0 leaves it out.
    random_state : int, RandomState instance or None, default=None
        Determines everything random. Pass an int for the same micrographs in each call;
        the first ones are the same for any `n_micrographs`.

    Returns
    -------
    iterator of (Micrograph, DataFrame)
        Each micrograph, uint8, vacuum bright and matter dark, and a table of its
        instances, as :func:`read_instances` gives it and :func:`extract_particles`
        takes it:

        - mask : the area within the outer face of the outermost bilayer, bool, cropped
          to its box;
        - top, left : row and column of the mask's first pixel;
        - instance : its number, from 1;
        - label : the class.

        A micrograph is drawn when the iterator reaches it, and not kept.

    Raises
    ------
    ValueError
        If a parameter is out of its range, if weights do not fit the classes, or if
        there are more liposomes than a micrograph has room for.

    See Also
    --------
    make_liposomes : Draw liposomes in cut-outs; its notes tell how.
    read_instances : Read such a table from a file.
    extract_particles : Cut particles out of a micrograph.

    Notes
    -----
    Defocus, dose, gray levels and unevenness are random for each micrograph. Liposomes
    lie at random, one in five at the rim of another; slight overlaps leave the class as
    it is. One that much overlaps another is "uncertain", and so is the other.

    Examples
    --------
    >>> from sklipo.datasets import make_micrographs
    >>> micrographs = make_micrographs(
    ...     2, n_particles=5, shape=(500, 700), weights=[2, 1, 0], random_state=0
    ... )
    >>> for micrograph, instances in micrographs:
    ...     print(micrograph.pixels.shape, instances["label"].value_counts().to_dict())
    (500, 700) {'unilamellar': 4, 'multilamellar': 1}
    (500, 700) {'unilamellar': 3, 'multilamellar': 2}
    >>> instances.head(2)
                mask  top  left  instance          label
    0  <105x94 bool>  353   129         1  multilamellar
    1   <67x66 bool>  115   582         2    unilamellar
    """
    shares = class_shares(weights, CLASSES[problem])
    shape = _check_shape(shape)
    most = max(int(CROWDED * np.prod(shape) * pixel_size**2), 1)
    if n_particles > most:
        raise ValueError(
            f"n_particles={n_particles} is too many: a micrograph of shape={shape} and "
            f"pixel_size={pixel_size} nm has room for {most}."
        )
    entropy = own_seed(random_state)
    return (
        _draw(
            CLASSES[problem],
            # What SeedSequence.spawn makes, one at a time.
            np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(number,))),
            n_particles=int(n_particles),
            shares=shares / shares.sum(),
            shape=shape,
            pixel_size=float(pixel_size),
            noise=noise,
        )
        for number in range(n_micrographs)
    )


def _check_shape(shape):
    """Return a shape as two ints; raise an error unless it is one of a micrograph."""
    sides = np.array(shape, dtype=object)
    if sides.shape != (2,) or not all(isinstance(s, Integral) and s > 0 for s in sides):
        raise ValueError(
            f"shape is {shape!r}, expected height and width in pixels, as (4096, 4096)."
        )
    if sides[0] * sides[1] > MAX_PIXELS:
        raise ValueError(f"shape={shape!r} has more than {MAX_PIXELS} pixels.")
    return tuple(map(int, sides))


def _draw(classes, rng, *, n_particles, shares, shape, pixel_size, noise):
    """Return a micrograph and the table of its instances."""
    labels = rng.choice(list(classes), n_particles, p=shares)
    extent = np.multiply(shape, pixel_size)
    scenes = sample_field([classes[label] for label in labels], extent, rng)
    imaging = Imaging.sample(noise, rng)
    steepness = min(1, _TILTED / extent.max())
    imaging = replace(imaging, tilt=tuple(np.multiply(imaging.tilt, steepness)))
    # The point spread of what lies beyond the edges reaches into the field.
    spare = int(FRINGE_REACH / pixel_size) + 1
    y, x = (
        (np.arange(fft.next_fast_len(side + 2 * spare, real=True)) - spare) * pixel_size
        - (side - 1) / 2 * pixel_size
        for side in shape
    )
    rows, columns = (slice(spare, spare + side) for side in shape)
    gray = draw_field(scenes, imaging, y, x, rng)[rows, columns]
    pixels = np.clip(np.rint(gray), 0, 255).astype(np.uint8)
    instances = [
        _find_instance(scene.outline, y[rows], x[columns], label)
        for scene, label in zip(scenes, labels.tolist(), strict=True)
    ]
    return Micrograph(pixels, pixel_size), tabulate(instances)


def _find_instance(outline, y, x, label):
    """Return the instance of an outline at the points y, x (nm)."""
    (rows, columns), mask = outline_mask(outline, y, x)
    return Instance(mask, rows.start, columns.start, label=label)
