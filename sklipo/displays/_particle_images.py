"""One particle in one panel: gray scale, outline of the mask, scale bar, caption."""

from textwrap import fill

import numpy as np

from .._extras import import_extra
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
    darkest, brightest = np.percentile(image, _PERCENTILES)
    # A limit of the user's may lie beyond all pixels, which are then black or white.
    low = min(darkest, np.inf if vmax is None else vmax) if vmin is None else vmin
    high = max(brightest, low) if vmax is None else vmax
    ax.imshow(image, cmap="gray", vmin=low, vmax=high)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    if mask is not None:
        _draw_outline(ax, mask)
    if pixel_size is not None:
        _draw_scale_bar(ax, image.shape, pixel_size)


def caption(name, y_true, y_pred=None, confidence=None, *, names_row=False):
    """Return the text above a particle, without its class where that names the row."""
    lines = [str(name)] if names_row else [str(name), str(y_true)]
    # What is undecided has no probability.
    share = f" ({confidence:.2f})" if confidence else ""
    if y_pred is not None and y_pred != y_true:
        lines.append(f"→ {y_pred}{share}")
    elif y_pred is not None and names_row:
        lines.append(f"right{share}")
    elif y_pred is not None:
        lines[-1] += share
    return plain_text("\n".join(fill(line, _LONGEST_LINE) for line in lines))


def gallery_size(shape, captions):
    """Return width and height in inches with room for the captions."""
    lines = [caption.split("\n") for caption in captions] or [[""]]
    longest = max(len(line) for caption in lines for line in caption)
    width = max(_CELL, longest * SMALL_CHARACTER + 0.1)
    height = _CELL + _LINE * max(map(len, lines)) + 0.1
    return max(shape[1] * width, 4) + 0.5, shape[0] * height + 0.4


def round_length(width):
    """Return the longest of 1, 2, 5, 10, 20, ... that is at most a third of a width."""
    # Rounding errors may put a third of a width just below a round length.
    limit = width / 3 * (1 + 1e-9)
    power = 10 ** np.floor(np.log10(limit))
    return float(max(step * power for step in (1, 2, 5) if step * power <= limit))


def _draw_outline(ax, mask):
    """Draw the outline of the mask, closed along the border of the image."""
    height, width = mask.shape
    # A contour is open at the border of an array, so the border is moved outwards.
    padded = np.pad(np.asarray(mask, float), 1)
    x, y = np.arange(-1, width + 1), np.arange(-1, height + 1)
    ax.contour(x, y, padded, levels=[0.5], colors=OUTLINE, linewidths=1.2)
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def _draw_scale_bar(ax, shape, pixel_size):
    """Draw a bar of a round length, white with a black rim, at the lower left."""
    effects = import_extra("matplotlib.patheffects", "plot")
    height, width = shape
    length = round_length(width * pixel_size)
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
    for artist in (bar, text):
        artist.set_path_effects([effects.withStroke(linewidth=4, foreground="black")])
    text.set_path_effects([effects.withStroke(linewidth=1.8, foreground="black")])
