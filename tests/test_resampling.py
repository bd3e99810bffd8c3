import inspect
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import Pipeline
from imblearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    estimator_checks_generator,
)
from resampling_cases import make_coded, make_real
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklipo import ApplyMask, CropToMask, ImageArray, NormalizeBackground, Resize
from sklipo.datasets import make_liposomes
from sklipo.resampling import ArtificialOverSampler

SAMPLERS = [
    ArtificialOverSampler(random_state=0),
    ArtificialOverSampler(method="auto", turn=False, random_state=0),
]


def imblearn_checks():
    """Yield imbalanced-learn's checks: those of the generator and its two others."""
    named = (check_param_validation, check_dataframe_column_names_consistency)
    for sampler in SAMPLERS:
        yield from estimator_checks_generator(sampler)
        for check in named:
            yield sampler, partial(check, type(sampler).__name__)


def name_of_check(value):
    return value.func.__name__ if isinstance(value, partial) else repr(value)


@pytest.mark.suite
@pytest.mark.parametrize(
    ("estimator", "check"), list(imblearn_checks()), ids=name_of_check
)
def test_imblearn_checks(estimator, check):
    check(estimator)


@pytest.mark.suite
@parametrize_with_checks(SAMPLERS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_constraints_cover_the_parameters():
    parameters = set(inspect.signature(ArtificialOverSampler).parameters)
    assert set(ArtificialOverSampler._parameter_constraints) == parameters


@pytest.fixture(scope="module")
def real():
    return make_real()


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("auto", (43, 43, 43)),
        ("minority", (43, 9, 43)),
        ({"uncertain": 12}, (43, 9, 12)),
        (lambda y: {"multilamellar": 10}, (43, 10, 8)),
        ({"unilamellar": 43}, (43, 9, 8)),
    ],
)
def test_counts_follow_the_sampling_strategy(real, strategy, expected):
    sampler = ArtificialOverSampler(sampling_strategy=strategy, random_state=0)
    resampled, y = sampler.fit_resample(real, real["label"])
    counts = y.value_counts()
    assert tuple(counts[["unilamellar", "multilamellar", "uncertain"]]) == expected
    assert (resampled["label"] == y).all()


def test_a_float_is_the_ratio_of_two_classes(real):
    two = real[real["label"] != "uncertain"]
    sampler = ArtificialOverSampler(sampling_strategy=0.5, random_state=0)
    _, y = sampler.fit_resample(two, two["label"])
    assert y.value_counts().to_dict() == {"unilamellar": 43, "multilamellar": 21}
    with pytest.raises(ValueError, match="multi-class"):
        sampler.fit_resample(real, real["label"])


@pytest.mark.parametrize("method", ["recombine", "draw"])
def test_given_rows_come_first_and_unchanged(real, method):
    before = real.copy(deep=True)
    pixels = real["image"].array.pixels.copy()
    sampler = ArtificialOverSampler(
        method=method, sampling_strategy={"uncertain": 14}, random_state=0
    )
    resampled, _ = sampler.fit_resample(real, real["label"])
    pd.testing.assert_frame_equal(
        resampled.iloc[: len(real)], before.reset_index(drop=True)
    )
    assert resampled.dtypes.equals(before.dtypes)
    assert resampled.index.equals(pd.RangeIndex(len(resampled)))
    assert (real == before).all(axis=None)
    np.testing.assert_array_equal(real["image"].array.pixels, pixels)


@pytest.mark.parametrize(
    "as_y", [pd.Series.to_numpy, pd.Series.tolist, lambda y: y.astype("category")]
)
def test_y_keeps_its_type(real, as_y):
    y = as_y(real["label"])
    sampler = ArtificialOverSampler(sampling_strategy="minority", random_state=0)
    _, y_resampled = sampler.fit_resample(real, y)
    assert type(y_resampled) is type(y)
    assert list(y_resampled[: len(y)]) == list(y)
    assert getattr(y_resampled, "dtype", None) == getattr(y, "dtype", None)


def test_each_particle_is_used_equally_often_and_lends_its_columns(real):
    sampler = ArtificialOverSampler(random_state=0)
    resampled, y = sampler.fit_resample(real, real["label"])
    rows = sampler.sample_indices_
    np.testing.assert_array_equal(rows[: len(real)], np.arange(len(real)))
    others = ["pixel_size", "micrograph", "radius_nm", "label"]
    taken = real[others].iloc[rows].reset_index(drop=True)
    pd.testing.assert_frame_equal(resampled[others], taken)
    for label in ("multilamellar", "uncertain"):
        _, times = np.unique(rows[y == label], return_counts=True)
        assert np.ptp(times) <= 1


@pytest.mark.parametrize("method", ["recombine", "draw"])
def test_the_seed_determines_everything(real, method):
    def resample(random_state):
        sampler = ArtificialOverSampler(
            method=method,
            sampling_strategy={"uncertain": 11},
            random_state=random_state,
        )
        return sampler.fit_resample(real, real["label"])[0]["image"].array.pixels

    state = np.random.get_state()[1].copy()  # noqa: NPY002
    np.testing.assert_array_equal(resample(3), resample(3))
    from_state = resample(np.random.RandomState(3))
    np.testing.assert_array_equal(from_state, resample(3))
    differing = resample(4), resample(None), resample(None)
    assert not any(np.array_equal(from_state, other) for other in differing)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_masks_of_other_dtypes_are_taken(real):
    masks = ImageArray([255 * mask.astype("uint8") for mask in real["mask"]])
    sampler = ArtificialOverSampler(random_state=0)
    expected, _ = sampler.fit_resample(real, real["label"])
    resampled, _ = sampler.fit_resample(real.assign(mask=masks), real["label"])
    assert (expected["image"].array == resampled["image"].array).all()
    for mask, other in zip(expected["mask"], resampled["mask"], strict=True):
        np.testing.assert_array_equal(mask, other > 0)


def test_auto_draws_what_it_can_and_recombines_the_rest(real):
    y = real["label"].replace({"uncertain": "rod"}).to_numpy()
    sampler = ArtificialOverSampler(method="auto", turn=False, random_state=0)
    resampled, y = sampler.fit_resample(real, y)
    moved = np.array(
        [
            np.array_equal(resampled["mask"][i], resampled["mask"][source])
            for i, source in enumerate(sampler.sample_indices_)
        ]
    )
    new = np.arange(len(y)) >= len(real)
    assert moved[new & (y == "rod")].all()
    assert not moved[new & (y == "multilamellar")].any()


def test_uncertain_is_drawn_for_the_problem_of_the_other_classes(real, monkeypatch):
    drawn = []

    def draw_like(source, donor, traits, *args):
        drawn.append(traits)
        return np.zeros(source.mask.shape), source.mask

    monkeypatch.setattr("sklipo.resampling.draw_like", draw_like)
    sampler = ArtificialOverSampler(method="draw", sampling_strategy="minority")
    names = {"unilamellar": "full", "multilamellar": "empty", "uncertain": "uncertain"}
    for labels in (real["label"], real["label"].map(names)):
        sampler.fit_resample(real, labels)
    # Of both problems' doubts, a trace of drug is that of the encapsulation alone.
    assert {len(traits.doubts) for traits in drawn[:35]} == {3}
    assert {len(traits.doubts) for traits in drawn[35:]} == {4}


def test_rows_of_numbers_are_turned_and_scaled():
    rng = np.random.default_rng(0)
    X, y = rng.random((9, 16)), np.repeat([0, 1], [6, 3])
    sampler = ArtificialOverSampler(random_state=0)
    resampled, _ = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(resampled[:9], X)
    for row, source in zip(resampled[9:], sampler.sample_indices_[9:], strict=True):
        image = X[source].reshape(4, 4)
        views = [np.rot90(im, k).ravel() for im in (image, image.T) for k in range(4)]
        gains = [row / view for view in views]
        assert any(
            np.allclose(gain, gain[0]) and 0.9 <= gain[0] <= 1.1 for gain in gains
        )


def make_pipeline(**params):
    return Pipeline(
        [
            ("normalize", NormalizeBackground()),
            ("balance", ArtificialOverSampler(random_state=0, **params)),
            ("crop", CropToMask()),
            ("mask", ApplyMask()),
            ("resize", Resize(8)),
            ("classify", RandomForestClassifier(5, random_state=0)),
        ]
    )


def test_cross_validation_in_a_pipeline(real):
    splits = {"groups": real["micrograph"], "cv": GroupKFold(3)}
    first = cross_validate(make_pipeline(), real, real["label"], **splits)
    # Threads start at once; scikit-learn's checks pickle the sampler.
    with joblib.parallel_config("threading", n_jobs=2):
        second = cross_validate(make_pipeline(), real, real["label"], **splits)
    assert np.isfinite(first["test_score"]).all()
    np.testing.assert_array_equal(first["test_score"], second["test_score"])


def test_grid_search_over_the_method(real):
    model = make_pipeline(sampling_strategy={"uncertain": 12})
    search = GridSearchCV(model, {"balance__method": ["recombine", "draw"]}, cv=2)
    search.fit(real, real["label"])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(real.drop(columns="label")).shape == (len(real),)


@pytest.mark.parametrize(
    ("params", "change", "message"),
    [
        (
            {"method": "draw"},
            {"uncertain": "rod"},
            "cannot draw the class 'rod'.*'full'",
        ),
        ({"sampling_strategy": {"rod": 50}}, {}, "rod.* not present"),
        ({"sampling_strategy": {"uncertain": 2}}, {}, "greater or equal"),
        ({"feather": -1}, {}, "'feather' parameter"),
        ({"jitter": 1.0}, {}, "'jitter' parameter"),
        ({}, {"uncertain": np.nan}, "label type"),
    ],
)
def test_bad_classes_and_parameters(real, params, change, message):
    y = real["label"].astype(object).replace(change)
    with pytest.raises(ValueError, match=message):
        ArtificialOverSampler(**params).fit_resample(real, y)


def test_errors_say_what_is_needed(real):
    y = real["label"]
    sampler = clone(SAMPLERS[0])
    with pytest.raises(ValueError, match="columns 'image' and 'mask'"):
        sampler.fit_resample(real.drop(columns="mask"), y)
    with pytest.raises(ValueError, match="columns 'image' and 'mask'"):
        sampler.fit_resample(list(real["image"]), y)
    with pytest.raises(ValueError, match=r"'multilamellar' has no .*before CropToMask"):
        full = real["mask"].array.copy()
        full[y.to_numpy() == "multilamellar"] = np.ones((3, 3), bool)
        images = real["image"].array.copy()
        images[y.to_numpy() == "multilamellar"] = np.ones((3, 3), "uint8")
        sampler.fit_resample(real.assign(image=images, mask=full), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        sampler.fit_resample(real, y[:-1])
    with pytest.raises(ValueError, match="before Resize"):
        sampler.set_params(method="draw").fit_resample(np.zeros((60, 4)), y)


def test_particles_without_background_are_passed_over():
    particles = make_coded()
    full = particles["mask"].array.copy()
    full[4:5] = [np.ones(full[4].shape, bool)]
    y = np.array([0, 0, 0, 0, 1, 1])
    sampler = ArtificialOverSampler(random_state=0)
    sampler.fit_resample(particles.assign(mask=full), y)
    assert set(sampler.sample_indices_[6:]) == {5}


@pytest.mark.parametrize(
    "names", [{"mask": " mask"}, {"image": "image ", "mask": "mask "}]
)
def test_names_with_spaces_are_read_and_kept(names):
    particles = make_liposomes(12, weights=[6, 4, 2], random_state=0)
    given = particles.rename(columns=names)
    results = [
        ArtificialOverSampler(random_state=0).fit_resample(X, particles["label"])[0]
        for X in (particles, given)
    ]
    pd.testing.assert_frame_equal(results[0].rename(columns=names), results[1])
