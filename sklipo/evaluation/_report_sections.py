"""The sections on shares: estimated, counted by sample and micrograph, and how."""

import pandas as pd

from ._report_methods import describe_method
from ._report_page import (
    make_figure,
    make_list,
    make_paragraph,
    make_section,
    make_table,
)
from ._report_pictures import draw_shares
from ._report_texts import (
    as_intervals,
    as_numbers,
    as_percents,
    count_of,
    level_of,
)
from .counts import count_by
from .prevalence_estimate import compare_samples


def share_section(contents):
    """Return the estimated shares beside the counted ones, as tables and a picture."""
    tables = [
        _share_table(contents, name, estimate)
        for name, estimate in contents.estimates.items()
    ]
    alt = (
        "Share of each class with its interval, and the counted share beside it: the "
        "numbers of the tables."
    )
    picture = make_figure(draw_shares(contents.estimates), alt)
    difference = _difference_table(contents.estimates)
    return make_section("Share of each class", *tables, picture, difference)


def warning_section(contents):
    """Return all warnings of the estimates, by sample, or that there are none."""
    if not any(estimate.caveats for estimate in contents.estimates.values()):
        return make_section("Warnings", make_paragraph("None was given."))
    parts = []
    for name, estimate in contents.estimates.items():
        items = make_list(estimate.caveats)
        is_sample = name != "" and items
        parts.append(make_section(name, items, level=3) if is_sample else items)
    return make_section("Warnings", *parts, name="warnings")


def method_section(contents):
    """Return the method in two sentences, and the references."""
    text, references = describe_method(contents.estimates)
    return make_section(
        "Method",
        make_paragraph(text),
        make_list(references, ordered=True),
        name="method",
    )


def sample_section(contents):
    """Return the counted shares of each sample, nothing without samples."""
    if contents.samples is None:
        return ""
    caption = "Share of the predictions of each class in each sample, as counted."
    return make_section("Samples", _count_table(contents, ["sample"], caption))


def micrograph_section(contents):
    """Return the counted shares on each micrograph in small print."""
    if contents.micrographs is None:
        text = "The particles have no column 'micrograph'."
        return make_section("Micrographs", make_paragraph(text))
    by = ["micrograph"] if contents.samples is None else ["sample", "micrograph"]
    caption = "Share of the predictions of each class on each micrograph, as counted."
    table = _count_table(contents, by, caption, small=True)
    return make_section("Micrographs", table)


def _share_table(contents, name, estimate):
    """Return the table of one estimate, under the name of its sample."""
    table = estimate.to_frame()
    if contents.unsure is not None:
        # The counts of the classes leave the undecided over.
        table.loc[contents.unsure, "counted"] = 1 - table["counted"].sum()
    # A digit more tells apart what is rare.
    digits = 2 if table["share"].between(0, 0.01, inclusive="neither").any() else 1
    texts = as_percents(table[["counted", "share", "low", "high"]], digits)
    cells = pd.DataFrame(
        {
            "Counted": texts["counted"],
            "Share": texts["share"],
            f"{level_of(estimate)} interval": as_intervals(texts["low"], texts["high"]),
        }
    )
    caption = (
        f"Share of each class among {count_of(estimate.n_particles, estimate.n_groups)}"
        f". Counted: share of the predictions, before any correction."
    )
    if contents.unsure is not None:
        caption += (
            f" The classifier did not decide on those called {contents.unsure}, "
            "which are of the classes above, too."
        )
    html = make_table(cells, caption, corner="Class")
    return html if name == "" else make_section(name, html, level=3)


def _difference_table(estimates):
    """Return the difference of two samples, nothing of another number of them."""
    if len(estimates) != 2:
        return ""
    (name, first), (other, second) = estimates.items()
    texts = as_numbers(100 * compare_samples(first, second), 1)
    cells = pd.DataFrame(
        {
            "Difference": texts["difference"],
            f"{level_of(first)} interval": as_intervals(texts["low"], texts["high"]),
        }
    )
    caption = f"Share in {name} less that in {other}, in percentage points."
    html = make_table(cells, caption, corner="Class")
    return make_section("Difference of the samples", html, level=3)


def _count_table(contents, by, caption, *, small=False):
    """Return the counted shares of parts of the particles."""
    names = {"sample": contents.samples, "micrograph": contents.micrographs}
    particles = contents.particles.assign(**{name: names[name] for name in by})
    counts = count_by(particles, contents.y_pred, by)
    shares = counts.reindex(columns=contents.predictions, fill_value=0)
    cells = as_percents(shares)
    cells.insert(0, "Particles", [f"{n:,}" for n in counts["n"]])
    cells.index = [
        " / ".join(map(str, row)) if isinstance(row, tuple) else row
        for row in counts.index
    ]
    corner = " / ".join(by).capitalize()
    return make_table(cells, caption, corner=corner, small=small)
