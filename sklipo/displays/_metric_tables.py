"""Metrics of each class as one long table, a row for each bar."""

import pandas as pd

COLUMNS = ["model", "class", "metric", "value", "low", "high"]


def _of_folds(result):
    """Return mean and deviation over the folds of each metric of each class."""
    table = result.classification_table(per_fold=True).drop(columns="support")
    by_class = table.groupby(level="class", sort=False)
    mean, deviation = by_class.mean(), by_class.std()
    return stack_metrics(mean, mean - deviation, mean + deviation)


def _of_all_together(result):
    """Return each metric of each class over all folds, with its interval."""
    summaries = {label: result.summary(label) for label in result.kinds.tolist()}
    table = pd.concat(summaries, names=["class", "metric"])
    return table.rename(columns={"pooled": "value"})[["value", "low", "high"]]


SPREADS = {
    "folds": (_of_folds, "mean ± SD over folds"),
    "bootstrap": (_of_all_together, "all folds pooled, 95 % interval"),
}


def stack_metrics(value, low, high):
    """Return tables of classes by metrics as one, with a row for each metric."""
    tables = {"value": value, "low": low, "high": high}
    # pandas before 3.0 would drop NaN, which stands for a metric that is undefined.
    stacked = pd.DataFrame(
        {name: table.stack(future_stack=True) for name, table in tables.items()}
    )
    return stacked.rename_axis(["class", "metric"])


def select_metrics(tables, metric):
    """Return the rows of some metrics of several models in one table."""
    is_one = isinstance(metric, str) or getattr(metric, "ndim", 1) == 0
    metrics = [metric] if is_one else list(metric)
    if not metrics:
        raise ValueError("metric is empty; expected one name of a metric or more.")
    table = pd.concat(tables, names=["model"]).reset_index()
    known = table["metric"].drop_duplicates().tolist()
    for name in metrics:
        if name not in known:
            hint = " (log_loss needs probabilities)" if name == "log_loss" else ""
            raise ValueError(f"metric={name!r}; expected one of {known}{hint}.")
    parts = [table[table["metric"] == name] for name in metrics]
    return pd.concat(parts, ignore_index=True)[COLUMNS]
