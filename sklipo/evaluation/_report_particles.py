"""The sections on the particles themselves: galleries and sizes."""

import numpy as np
import pandas as pd

from ..displays._selection import draw_each_class
from ._report_page import (
    make_figure,
    make_gallery,
    make_paragraph,
    make_section,
    make_table,
)
from ._report_pictures import draw_sizes, draw_thumbnail
from ._report_texts import as_numbers, plural

# A row of the page.
_N_SHOWN = 8


def gallery_section(contents):
    """Return particles of each predicted class, the sure and the unsure ones."""
    notes = ["Particles by predicted class, each in a gray scale of its own."]
    if "mask" in contents.particles:
        notes.append("The outline is that of the mask.")
    if contents.confidence is None:
        notes.append(
            "Below each is the label of its row. They are drawn at random, since there "
            "are no probabilities (y_proba) to tell the sure from the unsure."
        )
    else:
        notes.append(
            "Below each are the label of its row and the probability of the class."
        )
        if contents.unsure is not None:
            notes.append(
                f"Of the {contents.unsure}, it is that of the likeliest class."
            )
    galleries = [_class_section(contents, label) for label in contents.predictions]
    return make_section("Particles", make_paragraph(" ".join(notes)), *galleries)


def size_section(contents):
    """Return how large the particles of each predicted class are."""
    particles, labels = contents.particles, contents.predictions
    picture, sizes, unit = draw_sizes(particles, contents.y_pred, labels)
    of_what = (
        "bounding box of its mask"
        if "mask" in particles
        else "whole image, as there are no masks"
    )
    caption = (
        f"Size of the particles in {unit} by predicted class: the longer side of the "
        f"{of_what}. SD is the standard deviation; 10, 50 and 90 % of the particles "
        "are not larger than D10, D50 and D90."
    )
    cells = _size_table(sizes, contents.y_pred).reindex(labels)
    n_particles = cells.pop("Particles").fillna(0)
    cells = as_numbers(cells, 1)
    cells.insert(0, "Particles", [f"{n:,.0f}" for n in n_particles])
    alt = "Histogram of the sizes of each predicted class, which the table sums up."
    table = make_table(cells, caption, corner="Class")
    return make_section("Sizes", table, make_figure(picture, alt))


def _class_section(contents, label):
    """Return particles of a predicted class under its name."""
    rows = np.flatnonzero(contents.y_pred == label)
    heading = f"{label}: {plural(len(rows), 'particle')}"
    if not len(rows):
        return make_section(heading, level=3)
    if contents.confidence is None:
        chosen = draw_each_class(contents.y_pred, [label], _N_SHOWN, 0)
        return make_section(heading, _gallery(contents, chosen), level=3)
    order = rows[np.argsort(-contents.confidence[rows], kind="stable")]
    parts = {
        "The surest": order[:_N_SHOWN],
        "The least sure, from the least on": order[_N_SHOWN:][::-1][:_N_SHOWN],
    }
    galleries = (
        make_section(title, _gallery(contents, chosen), level=4)
        for title, chosen in parts.items()
        if len(chosen)
    )
    return make_section(heading, *galleries, level=3)


def _gallery(contents, rows):
    """Return the pictures of some rows side by side."""
    return make_gallery([_particle_figure(contents, row) for row in rows])


def _particle_figure(contents, row):
    """Return the picture of one particle with its name and its probability."""
    name, label = str(contents.particles.index[row]), contents.y_pred[row]
    alt = f"Particle {name}, predicted {label}"
    picture = draw_thumbnail(contents.particles.iloc[row])
    if contents.confidence is not None:
        name += f" ({contents.confidence[row]:.2f})"
    return make_figure(picture, alt, name)


def _size_table(sizes, labels):
    """Return number, mean, deviation and quantiles of the sizes of each class."""
    grouped = pd.Series(sizes).groupby(labels)
    quantiles = {"D10": 0.1, "D50": 0.5, "D90": 0.9}
    return pd.DataFrame(
        {
            "Particles": grouped.size(),
            "Mean": grouped.mean(),
            "SD": grouped.std(),
            **{name: grouped.quantile(share) for name, share in quantiles.items()},
        }
    )
