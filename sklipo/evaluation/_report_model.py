"""The sections on the model, how it was judged, and on what made the report."""

import platform
import sys

import numpy as np
import pandas as pd

from ._report_page import make_list, make_paragraph, make_section, make_table
from ._report_texts import as_intervals, as_numbers, as_percents, count_of

# Names of packages and of their modules. Only the loaded ones took part.
_PACKAGES = {
    "sklipo": "sklipo",
    "scikit-learn": "sklearn",
    "NumPy": "numpy",
    "pandas": "pandas",
    "PyTorch": "torch",
}
_TERMS = {"TPR": "Recognized (TPR)", "PPV": "Right if predicted (PPV)"}


def model_section(contents):
    """Return how the model was judged: folds, confusion matrix, metrics."""
    result = contents.result
    if result is None:
        text = "The report was written without the cross-validation of the model."
        return make_section("How the model was judged", make_paragraph(text))
    return make_section(
        "How the model was judged",
        make_paragraph(_describe_folds(result)),
        make_list(_describe_gaps(result)),
        _confusion_table(contents),
        _class_table(contents),
        _metric_table(contents),
    )


def version_section():
    """Return the versions of Python and of the packages that are loaded."""
    versions = {
        name: sys.modules[module].__version__
        for name, module in _PACKAGES.items()
        if module in sys.modules
    }
    versions["Python"] = platform.python_version()
    cells = pd.DataFrame({"Version": versions})
    caption = "What was loaded when the report was written."
    return make_section("Versions", make_table(cells, caption, corner="Package"))


def _describe_folds(result):
    """Return what was cross-validated, and whether folds share micrographs."""
    n_groups = None if result.groups is None else len(np.unique(result.groups))
    text = (
        f"Cross-validation of {count_of(len(result.y_true), n_groups)} in "
        f"{result.n_folds} folds: each particle was predicted by a model that was not "
        "trained on it."
    )
    if result.groups is None:
        return (
            f"{text} Particles of one micrograph may have been trained on and tested, "
            "which makes figures look better than they are."
        )
    pairs = pd.DataFrame({"group": result.groups, "fold": result.folds})
    n_split = int((pairs.groupby("group")["fold"].nunique() > 1).sum())
    if n_split:
        return (
            f"{text} {n_split} of the micrographs are in several folds, which makes "
            "figures look better than they are."
        )
    return f"{text} No micrograph is in two folds."


def _describe_gaps(result):
    """Return a sentence for each fold that tests no particle of a class."""
    return [
        f"Fold {fold} tests no particle of {', '.join(map(str, classes))}."
        for fold, classes in result.missing_classes.items()
    ]


def _confusion_table(contents):
    """Return the confusion matrix, shaded by the share of the true class."""
    result, labels = contents.result, contents.classes
    shares = result.mean_confusion_matrix(normalize=True).loc[labels]
    counts = result.confusion_counts.sum(axis=0)[: len(labels)]
    counts = pd.DataFrame(counts, shares.index, shares.columns).map("({:,})".format)
    cells = as_percents(shares) + " " + counts
    caption = (
        "Confusion matrix: rows are true classes, columns predicted ones. Share of the "
        "true class, mean over the folds; in brackets the particles of all folds."
    )
    return make_table(cells, caption, corner="True class", shares=shares)


def _class_table(contents):
    """Return how well each class is recognized, with intervals."""
    rows = {}
    support = contents.result.classification_table()["support"]
    for label in contents.classes.tolist():
        summary = _summarize(contents, label).loc[list(_TERMS)]
        texts = as_numbers(summary, 3)
        row = {"Particles": f"{support[label]:,.0f}"}
        intervals = as_intervals(texts["low"], texts["high"])
        for metric, text, interval in zip(
            texts.index, texts["pooled"], intervals, strict=True
        ):
            row[_TERMS[metric]] = f"{text} ({interval})"
        if "experts" in texts:
            # Both ways, one expert's TPR is the other one's PPV: both are the same.
            row["Experts"] = texts.loc["TPR", "experts"]
        rows[label] = row
    caption = (
        "Each class, with 95 % intervals: the share of its particles that is "
        "recognized (TPR), and the share of the predictions of it that is right (PPV), "
        "which depends on the shares of the classes among these particles."
        + _describe_experts(contents)
    )
    cells = pd.DataFrame.from_dict(rows, orient="index")
    return make_table(cells, caption, corner="Class")


def _metric_table(contents):
    """Return the metrics of all classes together, with their intervals."""
    # Who reads a report does not know the thesis, whose "F1" is another.
    summary = _summarize(contents).drop("thesis_F1")
    texts = as_numbers(summary, 3)
    cells = pd.DataFrame(
        {
            "All folds": texts["pooled"],
            "95 % interval": as_intervals(texts["low"], texts["high"]),
            "Mean": texts["mean"],
            "SD": texts["std"],
            "Folds": [f"{n:.0f}" for n in summary["n_folds"]],
        }
    )
    if "experts" in texts:
        cells["Experts"] = texts["experts"]
    names = cells.index.str.replace("_", " ")
    cells.index = names.str.replace("F1", "F1, mean of the classes")
    caption = (
        "All classes together: of the predictions of all folds, with its interval, and "
        "mean and standard deviation (SD) over the folds in which it is defined."
        + _describe_experts(contents)
    )
    return make_table(cells, caption, corner="Metric")


def _summarize(contents, label=None):
    """Return the summary of the result, beside the experts' scores if there are any."""
    return contents.result.summary(label, agreement=contents.agreement)


def _describe_experts(contents):
    """Return what the column of experts is, if there is one."""
    if contents.agreement is None:
        return ""
    return " Experts: the same for one expert if the labels of another are true."
