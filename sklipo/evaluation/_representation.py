"""How a result shows itself: as a table, in sentences, in notebooks as HTML."""

from html import escape

import numpy as np
import pandas as pd


def as_frame(result):
    """Return true and predicted class, fold, group and probabilities by particle."""
    table = pd.DataFrame(
        {
            "y_true": result.y_true,
            "y_pred": result.y_pred,
            "correct": result.y_true == result.y_pred,
            "fold": result.folds,
        },
        index=result.index,
    )
    if result.groups is not None:
        table["group"] = result.groups
    if result.y_proba is not None:
        # Of unsure, the last column, there is no probability.
        for label, column in zip(result.kinds, result.y_proba.T, strict=False):
            table[f"proba_{label}"] = column
    return table


def describe(result):
    """Return what was done, what came out, and which folds lack a class."""
    return "\n".join(_sentences(result))


def describe_in_html(result):
    """Return the description and the tables that tell most."""
    tables = {
        "All classes": result.summary(),
        "Each class": result.classification_table(),
        "Mean confusion matrix, rows true": result.mean_confusion_matrix(
            normalize=True
        ),
    }
    parts = (
        f"<div><b>{title}</b>{table.to_html(float_format='{:.3f}'.format)}</div>"
        for title, table in tables.items()
    )
    style = "display:flex;flex-wrap:wrap;gap:1em 2em"
    sentences = "<br>".join(map(escape, _sentences(result)))
    return f"<p>{sentences}</p><div style='{style}'>{''.join(parts)}</div>"


def _sentences(result):
    """Yield the sentences of a description."""
    grouped, over = "", "particles"
    if result.groups is not None:
        over, n_groups = "groups", len(np.unique(result.groups))
        grouped = f" of {n_groups} groups" if n_groups > 1 else " of a single group"
    yield (
        f"{type(result).__name__} of {len(result.y_true)} particles{grouped} in "
        f"{result.n_folds} folds:"
    )
    row = result.summary().loc["balanced_accuracy"]
    interval = f"95 % interval {row['low']:.3f} to {row['high']:.3f} over {over}"
    if np.isnan(row["low"]):
        interval = f"no interval, as nothing tells how other {over} would differ"
    yield f"balanced accuracy {row['pooled']:.3f}, {interval}"
    if result.unsure is not None:
        share = (result.y_pred == result.unsure).mean()
        yield (
            f"{share:.1%} of the particles are predicted {result.unsure!r}, "
            "which counts as not recognized"
        )
    for fold, classes in result.missing_classes.items():
        yield f"fold {fold} tests no particle of {classes}: undefined there"
