"""The way through the steps of a pipeline."""

from sklearn.pipeline import Pipeline

from .tags import has_tag


def transform_by(steps, X):
    """Take X through fitted steps of a pipeline as ``predict`` does, without samplers.

    Steps that are skipped, such as ``"passthrough"``, transform nothing.
    """
    for _, step in steps:
        if hasattr(step, "transform"):
            X = step.transform(X)
    return X


def predict_both(model, X):
    """Return predicted labels and, where the model has them, probabilities, else None.

    What comes before the last step is done once, and a network runs once.
    """
    last = model
    if isinstance(model, Pipeline):
        X, last = transform_by(model.steps[:-1], X), model.steps[-1][1]
    if not hasattr(last, "predict_proba"):
        return last.predict(X), None
    y_proba = last.predict_proba(X)
    if has_tag(last, "predicts_most_probable"):
        return last.classes_[y_proba.argmax(axis=1)], y_proba
    return last.predict(X), y_proba
