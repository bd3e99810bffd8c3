"""Sizes of particle images (Figures 3 and 4 of the thesis)."""

import numpy as np

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import StrOptions, validate_params

from ..particles import check_particles
from ..particles._labels import check_labels, find_classes
from ..transformers import CropToMask
from ._axes import PanelDisplay, grid_shape, is_leftmost, plain_text
from ._colors import MARKERS, choose_colors
from ._parameters import COLORS, COUNT, check_numbers, draws

_COLUMNS = 3


class ImageSizeDisplay(PanelDisplay):
    """Width against height of particle images, or how their sizes are distributed.

    It is recommended to use :meth:`from_particles`.

    Parameters
    ----------
    widths, heights : array-like of shape (n_samples,)
        Size of each image.
    y : array-like of shape (n_samples,)
        Class of each.
    classes : array-like, default=None
        The classes in order; by default all that occur, sorted.
    unit : str, default="px"
        Unit of the sizes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        All panels: one for a scatter plot, one for each class for histograms.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    ParticleGalleryDisplay : The particles themselves.
    sklipo.ParticleFeatures : Sizes of particles as features.

    Notes
    -----
    Classes are drawn one over the other, the rarest on top.

    Examples
    --------
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.displays import ImageSizeDisplay
    >>> particles = make_liposomes(60, random_state=0)
    >>> display = ImageSizeDisplay.from_particles(
    ...     particles, particles["label"], kind="histogram"
    ... )
    >>> display.unit
    'nm'
    """

    def __init__(self, widths, heights, y, *, classes=None, unit="px"):
        self.y = check_labels(y)
        self.widths = check_numbers(widths, self.y.shape, "widths")
        self.heights = check_numbers(heights, self.y.shape, "heights")
        self.classes = classes
        self.unit = unit

    @classmethod
    @validate_params(
        {
            "region": [StrOptions({"image", "mask"})],
            "unit": [StrOptions({"auto", "px", "nm"})],
        },
        prefer_skip_nested_validation=False,
    )
    def from_particles(
        cls, particles, y, *, region="image", unit="auto", classes=None, **plot_params
    ):
        """Draw the sizes of particles.

        Parameters
        ----------
        particles : particle table, list of 2-D arrays or array
            What :func:`~sklipo.particles.check_particles` takes.
        y : array-like of shape (n_samples,)
            Class of each particle.
        region : {"image", "mask"}, default="image"
            The part to measure: the whole cut-out with its surrounding, or the bounding
            box of the mask.
        unit : {"auto", "px", "nm"}, default="auto"
            "auto" takes nm where the table has the column ``pixel_size``.
        classes : array-like, default=None
            The classes in order; by default all that occur, sorted.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ImageSizeDisplay
            The display, drawn.
        """
        particles = check_particles(particles)
        y = check_labels(y, len(particles))
        shapes, unit = _measure(particles, region, unit)
        heights, widths = shapes.T
        return cls(widths, heights, y, classes=classes, unit=unit).plot(**plot_params)

    @draws(
        {
            "kind": [StrOptions({"scatter", "histogram"})],
            "bins": [COUNT],
            "colors": COLORS,
        }
    )
    def plot(self, *, ax=None, kind="scatter", bins=30, colors=None):
        """Draw the sizes.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw: one for a scatter plot, one for each class for histograms. By
            default a figure is made.
        kind : {"scatter", "histogram"}, default="scatter"
            Width against height, or a histogram of the longer side for each class.
        bins : int, default=30
            Number of bins of all histograms together.
        colors : dict or sequence of colors, default=None
            Colors of the classes, by name or in order.

        Returns
        -------
        display : ImageSizeDisplay
            The display itself.
        """
        classes = find_classes(self.y, classes=self.classes).tolist()
        members = {label: np.flatnonzero(self.y == label) for label in classes}
        colors = choose_colors(members, colors)
        draw = self._draw_scatter if kind == "scatter" else self._draw_histograms
        draw(ax, members, colors, bins)
        return self

    def _draw_scatter(self, ax, members, colors, _):
        """Draw width against height, rare classes on top and their points larger."""
        (panel,) = self._open_panels(ax, (1, 1), ["width and height"], figsize=(6, 5))
        by_number = sorted(members, key=lambda label: -len(members[label]))
        for i, (label, rows) in enumerate(members.items()):
            # Rare classes would vanish beneath the common ones.
            rarity = by_number.index(label) / len(members)
            panel.scatter(
                self.widths[rows],
                self.heights[rows],
                s=20 + 50 * rarity,
                marker=MARKERS[i % len(MARKERS)],
                color=colors[label],
                edgecolor="white",
                linewidth=0.5,
                zorder=2 + rarity,
                label=f"{plain_text(label)} ({len(rows)})",
            )
        panel.set(xlabel=f"Width ({self.unit})", ylabel=f"Height ({self.unit})")
        panel.set_aspect("equal")
        panel.legend()

    def _draw_histograms(self, ax, members, colors, bins):
        """Draw a histogram of the longer side for each class, on the same bins."""
        shape = grid_shape(len(members), _COLUMNS)
        size = (3.5 * shape[1] + 0.4, 2.6 * shape[0] + 0.4)
        axes = self._open_panels(ax, shape, list(members), figsize=size, sharex=True)
        longer = np.maximum(self.widths, self.heights)
        edges = np.histogram_bin_edges(longer, bins)
        for panel, (label, rows) in zip(axes, members.items(), strict=True):
            panel.hist(longer[rows], edges, color=colors[label])
            panel.set_title(f"{plain_text(label)} ({len(rows)})")
            panel.tick_params(labelbottom=True)
            panel.set_xlabel(f"Longer side ({self.unit})")
            panel.set_ylabel("Particles" if is_leftmost(panel) else "")
            panel.yaxis.get_major_locator().set_params(integer=True)


def _measure(particles, region, unit):
    """Return height and width of each particle, and their unit."""
    has_scale = "pixel_size" in particles
    if region == "mask":
        if "mask" not in particles:
            raise ValueError(
                "region='mask' needs masks, but the particles have none; expected a "
                "table with the column 'mask', or region='image'."
            )
        particles = CropToMask().transform(particles)
    shapes = np.array(particles["image"].array.shapes)
    if unit == "px" or (unit == "auto" and not has_scale):
        return shapes, "px"
    if not has_scale:
        raise ValueError(
            "unit='nm' needs the column 'pixel_size' in the table, which has "
            f"{list(particles)}. Add it, or take unit='px'."
        )
    return shapes * particles["pixel_size"].to_numpy()[:, None], "nm"
