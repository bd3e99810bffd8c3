"""What set_output and get_feature_names_out make of steps that return tables."""

import numpy as np
import pandas as pd
import pytest
from image_cases import make_particles
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import (
    check_global_output_transform_pandas,
    check_set_output_transform,
    check_set_output_transform_pandas,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
)

from sklipo import (
    ApplyMask,
    CropToMask,
    NormalizeBackground,
    ParticleFeatures,
    Resize,
    make_lipnet_pipeline,
)

IMAGE_STEPS = [NormalizeBackground(), CropToMask(1), ApplyMask()]
CONTAINERS = ["default", "pandas", "polars"]
PIXELS = ["pixel_0_0", "pixel_0_1", "pixel_0_2", "pixel_1_0", "pixel_1_1", "pixel_1_2"]


@pytest.fixture(params=CONTAINERS)
def container(request):
    """Return the name of a kind of output and its type."""
    if request.param == "default":
        return "default", np.ndarray
    return request.param, pytest.importorskip(request.param).DataFrame


def names_in(table):
    return list(getattr(table, "columns", []))


@pytest.mark.parametrize("doorway", [Resize((2, 3)), ParticleFeatures("thesis")])
@pytest.mark.parametrize("n_steps", range(4))
@pytest.mark.parametrize("globally", [False, True])
def test_pipelines_of_image_steps_end_in_any_container(
    doorway, n_steps, globally, container
):
    name, kind = container
    particles = make_particles()
    steps = [clone(step) for step in (*IMAGE_STEPS[:n_steps], doorway)]
    expected = make_pipeline(*map(clone, steps)).fit_transform(particles)
    pipeline = make_pipeline(*steps)
    if not globally:
        pipeline.set_output(transform=name)
    with config_context(transform_output=name if globally else "default"):
        for result in (
            pipeline.fit_transform(particles),
            pipeline.transform(particles),
        ):
            assert type(result) is kind
            np.testing.assert_array_equal(result, expected)
            if name != "default":
                assert names_in(result) == list(pipeline.get_feature_names_out())
            if name == "pandas":
                assert list(result.index) == list(particles.index)


@pytest.mark.parametrize("step", IMAGE_STEPS)
@pytest.mark.parametrize("as_table", [True, False])
def test_tables_stay_pandas_tables(step, as_table, container):
    particles = make_particles()
    X = particles if as_table else list(particles["image"])
    step = clone(step).set_output(transform=container[0])
    result = step.fit_transform(X)
    assert type(result) is pd.DataFrame
    assert list(result.columns) == (list(particles.columns) if as_table else ["image"])
    assert result["image"].dtype == "image"


def test_names_of_pipelines_with_image_steps():
    particles = make_particles()
    pipeline = make_pipeline(*map(clone, IMAGE_STEPS), Resize((2, 3)))
    pipeline.fit(particles)
    assert list(pipeline.get_feature_names_out()) == PIXELS
    assert list(pipeline[:-1].get_feature_names_out()) == ["image"]
    columns = list(particles.columns)
    assert list(pipeline[:-1].get_feature_names_out(columns)) == columns


def test_the_ready_pipeline_takes_set_output():
    particles = make_particles()
    model = make_lipnet_pipeline(size=3, max_epochs=1).set_output(transform="pandas")
    model.fit(particles, particles["label"])
    names = model[:-1].get_feature_names_out()
    assert list(names) == [f"pixel_{y}_{x}" for y in range(3) for x in range(3)]


@pytest.mark.parametrize("step", IMAGE_STEPS)
def test_rows_of_numbers_keep_their_names(step):
    rows = np.random.default_rng(0).random((3, 4))
    step = clone(step).fit(rows)
    assert list(step.get_feature_names_out()) == ["x0", "x1", "x2", "x3"]
    step.fit(pd.DataFrame(rows, columns=list("abcd")))
    assert list(step.get_feature_names_out()) == list("abcd")
    with pytest.raises(ValueError, match="input_features"):
        step.get_feature_names_out(list("abce"))
    step.fit(make_particles())
    assert list(step.get_feature_names_out()) == ["image"]


# The checks fit on a table with names and transform an array without, or vice versa.
@pytest.mark.filterwarnings("ignore:X .* feature names:UserWarning")
@pytest.mark.parametrize("step", [*IMAGE_STEPS, Resize(2), Resize((1, 3))])
@pytest.mark.parametrize(
    "check",
    [
        check_global_output_transform_pandas,
        check_set_output_transform,
        check_set_output_transform_pandas,
        check_transformer_get_feature_names_out,
        check_transformer_get_feature_names_out_pandas,
    ],
)
def test_scikit_learn_checks_of_output(step, check):
    check(type(step).__name__, step)


@pytest.mark.filterwarnings("ignore:X .* feature names:UserWarning")
@pytest.mark.parametrize("step", [*IMAGE_STEPS, Resize(2)])
@pytest.mark.parametrize(
    "check",
    ["check_set_output_transform_polars", "check_global_set_output_transform_polars"],
)
def test_scikit_learn_checks_of_polars_output(step, check):
    pytest.importorskip("polars")
    getattr(estimator_checks, check)(type(step).__name__, step)
