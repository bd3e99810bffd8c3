"""The pictures of a report, as bytes: no figure of pyplot is opened or left."""

from io import BytesIO

import cv2
import numpy as np

from .._extras import import_extra
from ..displays import ImageSizeDisplay, PrevalenceDisplay
from ..displays._particle_images import draw_particle

# One color for all classes: each has a panel of its own, and there may be many.
_COLOR = "#0072B2"
# Width of the text on A4, and the longer side of a particle, in inches.
_WIDTH, _SIDE = 6.9, 0.8
_SIDE_IN_PIXELS = 152
_MOST_IN_COLUMN = 4
_LOOK = {
    "font.size": 8.5,
    "axes.titlesize": "medium",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "legend.frameon": False,
    # Else names within an SVG are drawn at random.
    "svg.hashsalt": "sklipo",
}


def draw_shares(estimates):
    """Return a picture of the shares in one sample or several, a row for each class."""
    classes = next(iter(estimates.values())).classes
    is_single = list(estimates) == [""]

    def draw(axes):
        named = estimates[""] if is_single else estimates
        look = {"ax": axes, "colors": [_COLOR] * len(classes)}
        PrevalenceDisplay.from_estimates(named, **look)
        # The display explains beside the last panel, where the page ends.
        handles, labels = axes[0].get_legend_handles_labels()
        axes[-1].get_legend().remove()
        where = {"loc": "outside lower center", "ncols": 2}
        axes[0].figure.legend(handles, labels, **where)

    # Twelve panels in a column would fill a page.
    n_columns = 1 if len(classes) <= _MOST_IN_COLUMN else 2
    return _draw_svg(draw, 0.6 + 0.25 * len(estimates), len(classes), n_columns)[0]


def draw_sizes(particles, y, classes):
    """Return a picture of the sizes of particles by class, the sizes and their unit."""

    def draw(axes):
        return ImageSizeDisplay.from_particles(
            particles,
            y,
            region="mask" if "mask" in particles else "image",
            classes=classes,
            kind="histogram",
            colors=[_COLOR] * len(classes),
            ax=axes,
        )

    picture, display = _draw_svg(draw, 1.9, len(classes), 3)
    return picture, np.maximum(display.widths, display.heights), display.unit


def draw_thumbnail(particle):
    """Return a row of a particle table as a small JPEG, with outline and scale bar."""
    image = np.asarray(particle["image"])
    height, width = np.array(image.shape) / max(image.shape) * _SIDE
    # A strip of one row would be thinner than a pixel.
    size = max(width, _SIDE / 20), max(height, _SIDE / 20)
    figure = import_extra("matplotlib.figure", "plot").Figure(
        size, dpi=_SIDE_IN_PIXELS / _SIDE
    )
    agg = import_extra("matplotlib.backends.backend_agg", "plot")
    canvas = agg.FigureCanvasAgg(figure)
    look = {name: particle.get(name) for name in ("mask", "pixel_size")}
    draw_particle(figure.add_axes((0, 0, 1, 1)), image, **look)
    canvas.draw()
    pixels = cv2.cvtColor(np.asarray(canvas.buffer_rgba()), cv2.COLOR_RGBA2BGR)
    # Noise makes a PNG six times as large.
    quality = [cv2.IMWRITE_JPEG_QUALITY, 75]
    return cv2.imencode(".jpg", pixels, quality)[1].tobytes(), "jpeg"


def _draw_svg(draw, height, n_panels, n_columns):
    """Return what ``draw(axes)`` draws, as an SVG as wide as the page, and returns.

    ``height`` is that of a panel. Unlike pyplot's, the figure is known to nobody else.
    """
    n_columns = min(n_columns, n_panels)
    n_rows = -(-n_panels // n_columns)
    figure_module = import_extra("matplotlib.figure", "plot")
    file = BytesIO()
    with import_extra("matplotlib", "plot").rc_context(_LOOK):
        size = _WIDTH, height * n_rows + 0.4
        figure = figure_module.Figure(size, layout="constrained")
        drawn = draw(figure.subplots(n_rows, n_columns, squeeze=False).ravel())
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return (file.getvalue(), "svg+xml"), drawn
