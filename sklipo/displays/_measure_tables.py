"""Measures of each class as one long table, a row for each bar."""

import pandas as pd

COLUMNS = ["model", "class", "measure", "value", "low", "high"]


def _of_folds(result):
    """Return mean and deviation over the folds of each measure of each class."""
    table = result.classification_table(per_fold=True).drop(columns="support")
    by_class = table.groupby(level="class", sort=False)
    mean, deviation = by_class.mean(), by_class.std()
    return stack_measures(mean, mean - deviation, mean + deviation)


def _of_all_together(result):
    """Return each measure of each class over all folds, with its interval."""
    summaries = {label: result.summary(label) for label in result.classes.tolist()}
    table = pd.concat(summaries, names=["class", "measure"])
    return table.rename(columns={"pooled": "value"})[["value", "low", "high"]]


SPREADS = {
    "folds": (_of_folds, "mean ± SD over folds"),
    "bootstrap": (_of_all_together, "all folds pooled, 95 % interval"),
}


def stack_measures(value, low, high):
    """Return tables of classes by measures as one, with a row for each measure."""
    tables = {"value": value, "low": low, "high": high}
    stacked = pd.DataFrame({name: table.stack() for name, table in tables.items()})
    return stacked.rename_axis(["class", "measure"])


def select_measures(tables, measure):
    """Return the rows of some measures of several models in one table."""
    measures = [measure] if isinstance(measure, str) else list(measure)
    table = pd.concat(tables, names=["model"]).reset_index()
    known = table["measure"].drop_duplicates().tolist()
    for name in measures:
        if name not in known:
            hint = " (log_loss needs probabilities)" if name == "log_loss" else ""
            raise ValueError(f"measure={name!r}; expected one of {known}{hint}.")
    parts = [table[table["measure"] == name] for name in measures]
    return pd.concat(parts, ignore_index=True)[COLUMNS]
