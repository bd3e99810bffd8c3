"""What sklipo wants to know of an estimator beyond scikit-learn's tags."""

from dataclasses import dataclass, fields

from sklearn.utils import Tags, get_tags


@dataclass(slots=True)
class ParticleTags(Tags):
    """Tags of scikit-learn with four more facts about an estimator.

    An estimator that returns them from ``__sklearn_tags__`` is treated as those of
    sklipo are. All four default to False, which is always safe.

    Parameters
    ----------
    estimator_type, target_tags, transformer_tags, classifier_tags : object
        As in :class:`sklearn.utils.Tags`.
    regressor_tags, array_api_support, no_validation, non_deterministic : object
        As in :class:`sklearn.utils.Tags`.
    requires_fit, _skip_test, input_tags : object
        As in :class:`sklearn.utils.Tags`.
    row_wise : bool, default=False
        Of a transformer: ``fit`` learns nothing from the data, and each row is
        transformed by itself. Cross-validation then transforms images once for all
        folds.
    predicts_most_probable : bool, default=False
        Of a classifier: ``predict`` returns the class of the largest probability.
        Labels are then derived from ``predict_proba``, which runs only once.
    releases_gil : bool, default=False
        ``fit`` and ``predict`` compute mostly outside of Python, where threads run at
        the same time. Cross-validation then starts threads rather than processes.
    abstains : bool, default=False
        Of a classifier around another, ``estimator_``: for samples that it does not
        decide, ``predict`` returns the parameter ``unsure``, which is none of
        ``classes_``. Its ``decide(y_pred, y_proba)`` makes the same of predictions of
        ``estimator_``, which then runs only once for labels and probabilities.

    See Also
    --------
    extend_tags : Makes these tags from those of scikit-learn.

    Examples
    --------
    >>> from sklearn.preprocessing import Normalizer
    >>> from sklipo.tags import extend_tags
    >>> class EachRow(Normalizer):
    ...     def __sklearn_tags__(self):
    ...         return extend_tags(super().__sklearn_tags__(), row_wise=True)
    >>> EachRow().__sklearn_tags__().row_wise
    True
    """

    row_wise: bool = False
    predicts_most_probable: bool = False
    releases_gil: bool = False
    abstains: bool = False


def extend_tags(tags, **facts):
    """Return scikit-learn's tags with further facts.

    Parameters
    ----------
    tags : sklearn.utils.Tags
        Tags of an estimator, as ``super().__sklearn_tags__()`` returns them.
    **facts : bool
        Facts that are true, by the names of :class:`ParticleTags`.

    Returns
    -------
    tags : ParticleTags
        All of them.

    See Also
    --------
    ParticleTags : Lists the facts.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.utils import get_tags
    >>> from sklipo.tags import extend_tags
    >>> tags = extend_tags(get_tags(DummyClassifier()), releases_gil=True)
    >>> tags.releases_gil, tags.estimator_type
    (True, 'classifier')
    """
    known = {field.name: getattr(tags, field.name) for field in fields(tags)}
    return ParticleTags(**{**known, **facts})


def has_tag(estimator, name):
    """Tell whether a fact is true of an estimator.

    Parameters
    ----------
    estimator : estimator
        Any estimator of scikit-learn's interface.
    name : str
        Name of a fact in :class:`ParticleTags`.

    Returns
    -------
    bool
        False where the estimator has only the tags of scikit-learn, or none at all.

    See Also
    --------
    extend_tags : Lets an estimator state facts.

    Notes
    -----
    Pipelines and searches hand on none of these facts: ask their last step.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> from sklipo.tags import has_tag
    >>> has_tag(SVC(), "releases_gil")
    False
    """
    # Steps such as "passthrough", and what only looks like an estimator, have no tags.
    if not hasattr(estimator, "__sklearn_tags__"):
        return False
    return getattr(get_tags(estimator), name, False)
