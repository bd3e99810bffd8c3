"""The network at the end of an estimator."""

from .._steps import last_step


def not_a_network(estimator):
    """Return the error about an estimator that does not end in a network."""
    last = last_step(estimator)
    name = type(last).__name__
    if last is not estimator:
        name = f"{type(estimator).__name__} that ends in {name}"
    return TypeError(
        f"The estimator is a {name}; expected a fitted LipNetClassifier, or a fitted "
        "pipeline or search that ends in one."
    )
