"""Classes of particles, drawn where they lie on their micrograph."""

from functools import partial
from numbers import Integral

import cv2
import numpy as np

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval

from .._extras import import_extra
from ..particles._labels import check_labels, find_classes
from ._axes import PanelDisplay, add_legend, plain_text
from ._colors import choose_colors, text_color
from ._micrograph_particles import (
    check_places,
    find_pixel_size,
    load_micrograph,
    outlined_particles,
    rows_of_micrograph,
)
from ._parameters import COLORS, NUMBER, check_numbers, draws
from ._particle_images import OUTLINE, draw_gray, draw_scale_bar, rim, trace_lines
from ._selection import check_predictions

# Sides of more pixels are drawn reduced: no screen shows them, and noise averages out.
_LONGEST_SIDE = 2048
_SIDE_IN_INCHES = 8
# What cv2.resize averages.
_CV2_DTYPES = ("uint8", "uint16", "int16", "float32", "float64")


class MicrographDisplay(PanelDisplay):
    """Outlines of particles on their micrograph, in the colors of their classes.

    It is recommended to use :meth:`from_particles` or :meth:`from_predictions`.

    Parameters
    ----------
    micrograph : Micrograph, array-like of shape (height, width), str or path-like
        The image; a path is read by :func:`~sklipo.datasets.read_micrograph`.
    particles : DataFrame
        What :func:`~sklipo.datasets.extract_particles` or
        :func:`~sklipo.datasets.read_instances` returned: a table with the columns
        ``mask``, ``top`` and ``left``. Of a table of several micrographs, those are
        drawn whose column ``micrograph`` is the name of the file, with or without its
        ending; so `micrograph` must be a path then.
    y : array-like of shape (n_samples,), default=None
        Class of each particle of the table.
    confidence : array-like of shape (n_samples,), default=None
        Probability of that class; 0 if the particle is undecided.
    classes : array-like, default=None
        The classes in order; by default all that occur in the table, sorted.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel.
    axes_ : ndarray of matplotlib Axes
        The panel, alone.
    figure_ : matplotlib Figure
        The figure.

    Raises
    ------
    TypeError
        If `particles` is no DataFrame, or `y` or `confidence` hold something else than
        classes and numbers.
    ValueError
        If the table has no particle of the micrograph, lacks a column, or has an empty
        mask or a pixel size that is none; if it has particles of several micrographs
        and `micrograph` is no path; if a particle lies outside of the micrograph, or
        was cut out of one of another size; if the micrograph can't be read, or is no
        gray 2-D image; if `y` or `confidence` has another length.

    See Also
    --------
    ParticleGalleryDisplay : Particles one by one.
    sklipo.datasets.save_classes : Write classes for the program that made the outlines.

    Notes
    -----
    A micrograph with a side of more than 2048 pixels is drawn reduced by a whole
    number. The gray scale goes from the 0.5th to the 99.5th percentile of what is
    drawn.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.datasets import extract_particles
    >>> from sklipo.displays import MicrographDisplay
    >>> micrograph = np.random.default_rng(0).normal(size=(80, 90))
    >>> labels = np.zeros((80, 90), int)
    >>> labels[10:30, 10:30] = 1
    >>> labels[40:70, 50:80] = 2
    >>> particles = extract_particles(micrograph, labels, pixel_size=1)
    >>> display = MicrographDisplay.from_predictions(
    ...     micrograph, particles, ["full", "empty"], [[0.1, 0.9], [0.6, 0.4]]
    ... )
    >>> [text.get_text() for text in display.ax_.texts]
    ['1 (0.60)', '0 (0.90)', '10 nm']
    """

    def __init__(self, micrograph, particles, *, y=None, confidence=None, classes=None):
        particles = check_places(particles)
        rows = rows_of_micrograph(micrograph, particles)
        n_samples = len(particles)
        if y is not None:
            y = check_labels(y, n_samples)
            classes = find_classes(y, classes=classes)
            y = y[rows]
        if confidence is not None:
            confidence = check_numbers(confidence, (n_samples,), "confidence")[rows]
        self.micrograph = load_micrograph(micrograph)
        self.particles = particles.iloc[rows]
        self.y = y
        self.confidence = confidence
        self.classes = classes
        self._pixel_size = find_pixel_size(self.particles, self.micrograph)
        self._outlined = outlined_particles(
            self.particles, self.micrograph.pixels.shape
        )

    @classmethod
    def from_particles(
        cls, micrograph, particles, y=None, *, classes=None, **plot_params
    ):
        """Draw the outlines of particles, to see whether they were found well.

        Parameters
        ----------
        micrograph : Micrograph, array-like of shape (height, width), str or path-like
            The image; a path is read by :func:`~sklipo.datasets.read_micrograph`.
        particles : DataFrame
            What :func:`~sklipo.datasets.extract_particles` or
            :func:`~sklipo.datasets.read_instances` returned; of several micrographs if
            `micrograph` is a path.
        y : array-like of shape (n_samples,), default=None
            Class of each particle, such as ``particles["label"]``.
        classes : array-like, default=None
            The classes in order; by default all that occur in `y`, sorted.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : MicrographDisplay
            The display, drawn.
        """
        return cls(micrograph, particles, y=y, classes=classes).plot(**plot_params)

    @classmethod
    def from_predictions(
        cls,
        micrograph,
        particles,
        y_pred,
        y_proba=None,
        *,
        classes=None,
        **plot_params,
    ):
        """Draw the outlines of particles in the colors of their predicted classes.

        Parameters
        ----------
        micrograph : Micrograph, array-like of shape (height, width), str or path-like
            The image; a path is read by :func:`~sklipo.datasets.read_micrograph`.
        particles : DataFrame
            What :func:`~sklipo.datasets.extract_particles` returned; of several
            micrographs if `micrograph` is a path.
        y_pred : array-like of shape (n_samples,)
            Predicted class of each particle of the table.
        y_proba : array-like of shape (n_samples, n_classes), default=None
            Predicted probabilities. With them, the least sure particles stand out.
        classes : array-like, default=None
            The classes in order, also that of the columns of `y_proba`; by default the
            names of these columns, or all classes that occur in `y_pred`, sorted.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : MicrographDisplay
            The display, drawn.
        """
        check_places(particles)
        known = check_predictions(len(particles), None, y_pred, y_proba, classes)
        display = cls(
            micrograph,
            particles,
            y=known.y_pred,
            confidence=known.confidence,
            classes=known.classes,
        )
        return display.plot(**plot_params)

    @draws(
        {
            "colors": COLORS,
            "n_unsure": [Interval(Integral, 0, 10_000, closed="both")],
            "scale_bar": ["boolean"],
            "vmin": [NUMBER, None],
            "vmax": [NUMBER, None],
        }
    )
    def plot(
        self,
        *,
        ax=None,
        colors=None,
        n_unsure=5,
        scale_bar=True,
        vmin=None,
        vmax=None,
    ):
        """Draw the micrograph and the outlines.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. By default a figure is made.
        colors : dict or sequence of colors, default=None
            Colors of the classes, by name or in order.
        n_unsure : int, default=5
            How many of the particles are dashed whose class is the least sure. Beside
            each stand the label of its row in the table and the probability.
        scale_bar : bool, default=True
            Draw a scale bar if the pixel size is known: from the table's column
            ``pixel_size``, or else from the micrograph.
        vmin, vmax : float, default=None
            Pixel values that are drawn black and white. By default, see the Notes.

        Returns
        -------
        display : MicrographDisplay
            The display itself.
        """
        if vmin is not None and vmax is not None and vmin >= vmax:
            raise ValueError(f"vmin={vmin} must be below vmax={vmax}.")
        classes = ["particles"] if self.y is None else self.classes.tolist()
        one_color = OUTLINE if self.y is None and colors is None else colors
        colors = choose_colors(classes, one_color)
        pixels = self.micrograph.pixels
        (panel,) = self._open_panels(
            ax, (1, 1), ["micrograph"], figsize=_figure_size(pixels.shape)
        )
        draw_gray(panel, _reduce(pixels), pixels.shape, vmin, vmax)
        unsure = self._least_sure(n_unsure)
        self._draw_classes(panel, classes, colors, unsure)
        self._name_unsure(panel, unsure)
        if scale_bar and self._pixel_size is not None:
            draw_scale_bar(panel, pixels.shape, self._pixel_size, share=0.2)
        add_legend(self.figure_, [panel], own_figure=ax is None)
        return self

    def _least_sure(self, n_unsure):
        """Return the particles with the smallest probability, of those decided."""
        if self.confidence is None:
            return np.empty(0, int)
        decided = np.flatnonzero(self.confidence)
        order = np.argsort(self.confidence[decided], kind="stable")
        return decided[order[:n_unsure]]

    def _draw_classes(self, ax, classes, colors, unsure):
        """Draw the outlines of each class, and give it an entry in the legend."""
        masks, tops, lefts = (self._outlined[name] for name in ("mask", "top", "left"))
        for name in classes:
            chosen = np.arange(len(masks))
            if self.y is not None:
                chosen = np.flatnonzero(self.y == name)
            label = f"{plain_text(name)} ({len(chosen)})"
            ax.plot([], [], color=colors[name], lw=2, label=label)
            for style in ("-", "--"):
                rows = chosen[np.isin(chosen, unsure) == (style == "--")]
                places = zip(masks[rows], tops[rows], lefts[rows], strict=True)
                lines = [line for place in places for line in trace_lines(*place)]
                if lines:
                    _draw_lines(ax, lines, colors[name], style)

    def _name_unsure(self, ax, unsure):
        """Write label and probability of particles beside them, and explain both."""
        for i in unsure:
            name = plain_text(self.particles.index[i])
            text = ax.annotate(
                f"{name} ({self.confidence[i]:.2f})",
                **self._beside(i),
                textcoords="offset points",
                color="white",
                fontsize="small",
            )
            text.set_path_effects([rim("black", 2)])
        if len(unsure):
            ends = [f"{self.confidence[i]:.2f}" for i in unsure[[0, -1]]]
            which = "the" if len(unsure) == 1 else f"the {len(unsure)}"
            label = f"{which} least sure ({' to '.join(dict.fromkeys(ends))})"
            ax.plot([], [], color="0.25", lw=2, ls=(0, (2, 1)), label=label)

    def _beside(self, i):
        """Return where text has room by a particle: above it, but at the edges."""
        height, width = self.micrograph.pixels.shape
        top, left = self._outlined.loc[i, ["top", "left"]] - 0.5
        tall, wide = self._outlined["mask"][i].shape
        edges = {"left": left, "center": left + wide / 2, "right": left + wide}
        side = ("left", "center", "right")[
            np.digitize(edges["center"], [0.1 * width, 0.9 * width])
        ]
        place = {"ha": side, "va": "bottom", "xy": (edges[side], top), "xytext": (0, 3)}
        if top < 0.05 * height:
            place |= {"va": "top", "xy": (edges[side], top + tall), "xytext": (0, -3)}
        return place


def _reduce(pixels):
    """Return an image with sides that a screen shows, of means of its pixels.

    A mean is that of those pixels which are numbers, NaN if none is.
    """
    step = -(-max(pixels.shape) // _LONGEST_SIDE)
    if step == 1:
        return pixels
    if pixels.dtype not in _CV2_DTYPES:
        pixels = pixels.astype(np.float32)
    size = [max(side // step, 1) for side in pixels.shape[::-1]]
    mean = partial(cv2.resize, dsize=size, interpolation=cv2.INTER_AREA)
    if pixels.dtype.kind != "f" or (is_number := np.isfinite(pixels)).all():
        return mean(pixels)
    share = mean(is_number.astype(pixels.dtype))
    total = mean(np.where(is_number, pixels, 0))
    return np.divide(total, share, out=np.full_like(total, np.nan), where=share > 0)


def _figure_size(shape):
    """Return width and height in inches, with room for a legend."""
    height, width = np.array(shape) / max(shape) * _SIDE_IN_INCHES
    return max(width, 4), max(height, 1) + 0.5


def _draw_lines(ax, lines, color, style):
    """Draw lines of one color, with a rim that shows them on any gray."""
    collections = import_extra("matplotlib.collections", "plot")
    colors = import_extra("matplotlib.colors", "plot")
    is_dashed = style == "--"
    drawn = collections.LineCollection(
        lines,
        colors=color,
        linewidths=2.2 if is_dashed else 1.3,
        linestyles=(0, (2, 1)) if is_dashed else "-",
    )
    drawn.set_path_effects([rim(text_color(colors.to_rgb(color)), 2.6)])
    ax.add_collection(drawn, autolim=False)
