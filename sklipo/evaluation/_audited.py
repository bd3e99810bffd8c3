"""Labels that an expert gave to a part of a new sample: read, checked, in order."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from ..particles._columns import strip_names
from ..particles._labels import check_labels, one_a_row, warn_of_other_order
from ..particles._warnings import warn_caller

# The spread of fewer labels is too uncertain for an interval.
FEWEST_LABELS = 10


def check_audit(audited, n_particles, index=None):
    """Return what was audited: rows, labels and probabilities of being drawn.

    ``audited`` is either of

    - an array, list or Series with an entry for each of the ``n_particles`` particles,
      missing (None, NaN, NA, "") where no expert looked. The labeled ones count as
      drawn by simple random sampling: the probabilities are None. ``index`` is that of
      the new particles, to warn of a Series in another order.
    - a table of ``draw_audit`` with its ``label`` filled in, also after a round trip
      through a CSV file. Drawn rows without a label are left out with a warning. They
      count as missing at random within their predicted class, whose probability is
      multiplied by the share that was labeled.

    ``rows`` (int) are in order, each once; ``labels`` are numbers or text without gaps,
    10 or more; ``probabilities`` are in (0, 1]. The caller checks whether it knows the
    labels, and of how many micrographs they are.
    """
    if isinstance(audited, pd.DataFrame) and audited.shape[1] > 1:
        audited = strip_names(audited)
        rows, values, probabilities = _read_draw(audited, n_particles)
    else:
        values = one_a_row(audited, "audited")
        if len(values) != n_particles:
            raise ValueError(
                f"audited has {len(values)} entries for {n_particles} particles; "
                "expected one each, missing where no expert looked, or the table of "
                "draw_audit. If its index names the particles, pass "
                "audited.reindex(particles.index)."
            )
        new = SimpleNamespace(index=index)
        warn_of_other_order(new, audited, "y_pred", "audited")
        rows, probabilities = np.arange(n_particles), None
    is_labeled = ~_is_missing(values)
    labels = _check_labels(values, is_labeled)
    if probabilities is None:
        return rows[is_labeled], labels, None
    probabilities = _allow_for_gaps(audited, probabilities, is_labeled)
    rows, probabilities = rows[is_labeled], probabilities[is_labeled]
    order = np.argsort(rows)
    return rows[order], labels[order], probabilities[order]


def _read_draw(audit, n_particles):
    """Return rows, labels and probabilities of a table of draw_audit."""
    missing = [c for c in ("row", "label", "probability") if c not in audit]
    if missing:
        raise ValueError(
            f"audited has no column {missing[0]!r}, only {audit.columns.tolist()}; "
            "expected the table of draw_audit with its labels filled in."
        )
    if not len(audit):
        raise ValueError("audited has no rows; expected those of draw_audit.")
    rows = _numbers(audit["row"])
    is_row = (rows >= 0) & (rows < n_particles) & (rows == np.rint(rows))
    _refuse(audit["row"], ~is_row, f"whole numbers from 0 to {n_particles - 1}")
    _refuse(audit["row"], pd.Series(rows).duplicated(), "each row once")
    probabilities = _numbers(audit["probability"])
    is_probability = (probabilities > 0) & (probabilities <= 1)
    _refuse(audit["probability"], ~is_probability, "numbers above 0 and up to 1")
    # Each drawn particle stands for 1 / probability: together they are the sample.
    n_meant = np.sum(1 / probabilities)
    if not np.isclose(n_meant, n_particles, rtol=1e-6, atol=0):
        warn_caller(
            f"The particles of the audit stand for {n_meant:.1f} particles, but there "
            f"are {n_particles}. Either rows of the audit were dropped, or it was drawn"
            " from another sample. Pass all rows of draw_audit, labeled or not."
        )
    return rows.astype(int), one_a_row(audit["label"], "label"), probabilities


def _numbers(column):
    """Return a column as floats, NaN where it holds no number."""
    return pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)


def _refuse(column, is_wrong, expected):
    """Raise an error that shows the first wrong value of a column."""
    wrong = np.flatnonzero(is_wrong)
    if len(wrong):
        shown = column.iloc[wrong[:1]].tolist()[0]
        raise ValueError(
            f"The column {column.name!r} of audited holds {shown!r} in "
            f"row {wrong[0]} ({len(wrong)} such rows in all); expected {expected}, as "
            "draw_audit returns them."
        )


def _is_missing(values):
    """Tell which labels are missing: files write an empty text for none."""
    is_blank = [isinstance(value, str) and not value.strip() for value in values]
    return pd.isna(values) | np.array(is_blank, bool)


def _check_labels(values, is_labeled):
    """Return the labels that there are, all of one kind."""
    n_labels = is_labeled.sum()
    if n_labels < FEWEST_LABELS:
        raise ValueError(
            f"audited has labels of {n_labels} particles; expected {FEWEST_LABELS} or "
            "more, and a hundred for an interval that tells something."
        )
    # Gaps are filled, so that an error names the row that the user sees.
    filled = values.copy()
    filled[~is_labeled] = filled[is_labeled][0]
    return check_labels(filled, name="audited")[is_labeled]


def _allow_for_gaps(audit, probabilities, is_labeled):
    """Lower the probabilities of a predicted class of which labels are missing."""
    if is_labeled.all():
        return probabilities
    stratum = pd.Series(
        audit["prediction"] if "prediction" in audit else 0, audit.index
    )
    stratum = stratum.to_numpy()
    share = pd.Series(is_labeled).groupby(stratum, dropna=False).transform("mean")
    lost = pd.unique(stratum[share.to_numpy() == 0])
    none_of = f" None is left of those predicted {lost.tolist()}." if len(lost) else ""
    warn_caller(
        f"{(~is_labeled).sum()} of {len(audit)} drawn particles have no label and are "
        f"left out.{none_of} This is right only if they are like the labeled ones. "
        "Label what is hard to tell as a class of its own."
    )
    return probabilities * share.to_numpy()
