"""Particles in a panel: gray scale, outlines of masks, scale bar, caption."""

from textwrap import fill

import numpy as np

from .._extras import import_extra
from ..particles._outlines import trace_pieces
from ._axes import SMALL_CHARACTER, plain_text

OUTLINE = "#E69F00"  # Okabe and Ito's orange shows on every gray
# A few hot or dead pixels would otherwise take all contrast from the others.
_PERCENTILES = (0.5, 99.5)
# Smallest width and height of a particle, and height of a line of a caption, in inches.
_CELL = 1.5
_LINE = 0.15
# Captions break after so many characters: wider cells would leave gaps in the grid.
_LONGEST_LINE = 26


def draw_particle(ax, image, *, mask=None, pixel_size=None, vmin=None, vmax=None):
    """Draw a particle in gray, with outline and scale bar if they are known."""
    image = np.asarray(image, float)
    draw_gray(ax, image, image.shape, vmin, vmax)
    if mask is not None:
        collections = import_extra("matplotlib.collections", "plot")
        lines = trace_lines(mask)
        ax.add_collection(
            collections.LineCollection(lines, colors=OUTLINE, linewidths=1.2),
            autolim=False,
        )
    if pixel_size is not None:
        draw_scale_bar(ax, image.shape, pixel_size)


def draw_gray(ax, pixels, shape, vmin=None, vmax=None):
    """Draw pixels in gray over an area of a height and width, without a frame."""
    finite = pixels if pixels.dtype.kind != "f" else pixels[np.isfinite(pixels)]
    darkest, brightest = np.percentile(finite, _PERCENTILES)
    # A limit of the user's may lie beyond all pixels, which are then black or white.
    low = min(darkest, np.inf if vmax is None else vmax) if vmin is None else vmin
    high = max(brightest, low) if vmax is None else vmax
    height, width = shape
    area = (-0.5, width - 0.5, height - 0.5, -0.5)
    ax.imshow(pixels, cmap="gray", vmin=low, vmax=high, extent=area)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def trace_lines(mask, top=0, left=0):
    """Return the outline of a mask along the edges of its pixels: closed x, y lines."""
    # imshow puts the centers of pixels at whole numbers, outlines have corners there.
    offset = np.array([top, left]) - 0.5
    rings = [ring for piece in trace_pieces(mask) for ring in piece]
    return [(np.append(ring, ring[:1], axis=0) + offset)[:, ::-1] for ring in rings]


def caption(name, y_true=None, y_pred=None, confidence=None, *, names_row=False):
    """Return the text above a particle, without a true class that names its row."""
    lines = [str(name)]
    if y_true is not None and not names_row:
        lines.append(str(y_true))
    # What is undecided has no probability.
    share = f" ({confidence:.2f})" if confidence else ""
    if y_true is None:
        lines.append(f"{y_pred}{share}")
    elif y_pred is not None and y_pred != y_true:
        lines.append(f"→ {y_pred}{share}")
    elif y_pred is not None and names_row:
        lines.append(f"right{share}")
    else:
        lines[-1] += share
    return plain_text("\n".join(fill(line, _LONGEST_LINE) for line in lines))


def gallery_size(shape, captions):
    """Return width and height in inches with room for the captions."""
    lines = [caption.split("\n") for caption in captions] or [[""]]
    longest = max(len(line) for caption in lines for line in caption)
    width = max(_CELL, longest * SMALL_CHARACTER + 0.1)
    height = _CELL + _LINE * max(map(len, lines)) + 0.1
    return max(shape[1] * width, 4) + 0.5, shape[0] * height + 0.4


def round_length(width, share=1 / 3):
    """Return the longest of 1, 2, 5, 10, 20, ... that is at most a share of a width."""
    # Rounding errors may put a third of a width just below a round length.
    limit = width * share * (1 + 1e-9)
    power = 10 ** np.floor(np.log10(limit))
    return float(max(step * power for step in (1, 2, 5) if step * power <= limit))


def draw_scale_bar(ax, shape, pixel_size, share=1 / 3):
    """Draw a bar of a round length, white with a black rim, at the lower left.

    It is as long as a share of the width at most.
    """
    height, width = shape
    length = round_length(width * pixel_size, share)
    left, bottom = 0.05 * width - 0.5, 0.94 * height - 0.5
    ends = [left, left + length / pixel_size]
    label = f"{length / 1000:g} µm" if length >= 1000 else f"{length:g} nm"
    (bar,) = ax.plot(ends, [bottom, bottom], "w", lw=2.5, solid_capstyle="butt")
    text = ax.annotate(
        label,
        (left, bottom),
        (0, 3),
        textcoords="offset points",
        color="white",
        fontsize="x-small",
    )
    bar.set_path_effects([rim("black", 4)])
    text.set_path_effects([rim("black", 1.8)])


def rim(color, width):
    """Return the effect of a rim around a line or text, of a width in points."""
    effects = import_extra("matplotlib.patheffects", "plot")
    return effects.withStroke(linewidth=width, foreground=color)
