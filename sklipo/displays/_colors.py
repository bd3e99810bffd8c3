"""Colors and markers that people with any color vision can tell apart."""

from collections.abc import Mapping

import numpy as np

from .._extras import import_extra
from ..particles._class_colors import OKABE_ITO

# Bluish green and vermilion differ in hue alone, so markers differ as well.
MARKERS = "osD^vPX*"
UNDEFINED = "#D9D9D9"
# Relative luminance at which black and white text have the same contrast:
# (L + 0.05) / 0.05 = 1.05 / (L + 0.05), after WCAG 2.1.
_BLACK_AND_WHITE_READ_EQUALLY = np.sqrt(1.05 * 0.05) - 0.05


def choose_colors(names, colors=None, *, what="classes"):
    """Return a color for each name, or raise an error if there are too few.

    Parameters
    ----------
    names : sequence
        Names of the things to color, in order.
    colors : dict, sequence of colors or None
        Colors from the user: by name, or one for each name in order.
    what : str, default="classes"
        Word for the things, used in messages.

    Returns
    -------
    dict
        A color for each name.
    """
    names = list(names)
    if colors is None:
        return dict(zip(names, _palette(len(names), what), strict=True))
    if not isinstance(colors, Mapping):
        colors = [colors] if isinstance(colors, str) else list(colors)
        if len(colors) < len(names):
            raise ValueError(
                f"colors has {len(colors)} colors for {len(names)} {what}: "
                f"{names}. Give one for each."
            )
        colors = dict(zip(names, colors, strict=False))
    return {name: _check_color(name, colors, what) for name in names}


def text_color(color):
    """Return black or white, whichever reads better on a color."""
    red, green, blue = _linear(np.asarray(color[:3], float))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "black" if luminance > _BLACK_AND_WHITE_READ_EQUALLY else "white"


def _palette(n_colors, what):
    """Return the first colors of the palette, or raise an error if it has fewer."""
    if n_colors > len(OKABE_ITO):
        raise ValueError(
            f"There are {n_colors} {what}, but only {len(OKABE_ITO)} colors that "
            "everybody can tell apart. Show fewer, or pass your own: colors=[...] with "
            f"one color for each of the {what}, or a dict by name."
        )
    return OKABE_ITO[:n_colors]


def _check_color(name, colors, what):
    """Return the color of a name, or raise an error if matplotlib knows none."""
    if name not in colors:
        raise ValueError(
            f"colors has no color for {name!r}; it has them for {list(colors)}. Give "
            f"one for each of the {what}."
        )
    matplotlib_colors = import_extra("matplotlib.colors", "plot")
    if not matplotlib_colors.is_color_like(colors[name]):
        raise ValueError(
            f"colors: {colors[name]!r} for {name!r} is no color that matplotlib "
            "knows; expected, for example, 'black' or '#0072B2'."
        )
    return colors[name]


def _linear(channels):
    """Return sRGB channels as linear light."""
    return np.where(
        channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
    )
