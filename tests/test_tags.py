"""Tags reach sklipo through scikit-learn's own way to ask for them."""

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags

from sklipo import LipNetClassifier
from sklipo.tags import ParticleTags, extend_tags, has_tag


class Tagged(LogisticRegression):
    def __sklearn_tags__(self):
        return extend_tags(super().__sklearn_tags__(), predicts_most_probable=True)


class TaggedFurther(Tagged):
    def __sklearn_tags__(self):
        return extend_tags(super().__sklearn_tags__(), releases_gil=True)


def test_a_foreign_estimator_can_state_a_fact_and_keeps_its_own_tags():
    plain, tagged = get_tags(LogisticRegression()), get_tags(Tagged())
    assert isinstance(tagged, ParticleTags)
    assert has_tag(Tagged(), "predicts_most_probable")
    assert not has_tag(Tagged(), "releases_gil")
    assert tagged.classifier_tags == plain.classifier_tags
    assert tagged.input_tags == plain.input_tags


def test_facts_add_up_along_inheritance():
    assert has_tag(TaggedFurther(), "predicts_most_probable")
    assert has_tag(TaggedFurther(), "releases_gil")


@pytest.mark.parametrize(
    "name", ["row_wise", "predicts_most_probable", "releases_gil", "abstains"]
)
def test_an_estimator_without_the_facts_has_none(name):
    assert not has_tag(LogisticRegression(), name)


def test_an_unknown_fact_is_an_error():
    with pytest.raises(TypeError, match="unexpected keyword"):
        extend_tags(get_tags(LogisticRegression()), is_fast=True)


@pytest.mark.parametrize("step", ["passthrough", None, object()])
def test_what_has_no_tags_has_no_fact(step):
    assert not has_tag(step, "row_wise")


@pytest.mark.parametrize(
    ("device", "expected"), [("cpu", True), ("cuda", False), ("no such", False)]
)
def test_a_network_releases_the_gil_on_the_cpu(device, expected):
    network = LipNetClassifier(device=device)
    assert has_tag(network, "releases_gil") == expected
    assert has_tag(network, "predicts_most_probable")
