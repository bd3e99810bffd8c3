"""What OwnSizeLipNetClassifier reads, and that it does what LipNetClassifier does."""

import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from lipnet_cases import assert_same_bits, weights_of
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklipo import (
    ApplyMask,
    CropToMask,
    EpochOverSampler,
    EpochUnderSampler,
    ImageArray,
    LipNetClassifier,
    OwnSizeLipNetClassifier,
    RandomAffine,
    RandomIntensity,
    Resize,
    cross_validate_particles,
    make_ensemble_pipeline,
    make_lipnet_pipeline,
)
from sklipo.datasets import make_liposomes
from sklipo.displays import TrainingCurveDisplay
from sklipo.inspection import FeatureMapDisplay, occlusion_map
from sklipo.lipnet import DropoutDecay, FocalLoss

SMALL = {"n_filters": 4, "max_epochs": 2, "random_state": 0}
# As EXACT in lipnet_cases: one step an epoch without dropout.
CHECKED = OwnSizeLipNetClassifier(
    ("conv", "stride", "average"),
    n_filters=16,
    conv_dropout=0,
    batch_size=512,
    learning_rate=0.05,
    weight_decay=1e-4,
)


@pytest.fixture(scope="module")
def particles():
    table = make_liposomes(36, weights=None, pixel_size=4, margin=3, random_state=0)
    table["pixel_size"] = np.where(np.arange(36) % 2, 4.0, 5.0)
    return table


@pytest.fixture(scope="module")
def fitted(particles):
    return OwnSizeLipNetClassifier(**SMALL).fit(particles, particles["label"])


def draw_disks(radii, pixel_size=1.0, seed=0):
    """Return a table of noisy disks in images of differing sizes."""
    rng = np.random.default_rng(seed)
    images, masks = [], []
    for radius in radii:
        half = int(radius) + 2
        y, x = np.mgrid[-half : half + 1, -half : half + 1]
        mask = np.hypot(y, x) <= radius
        images.append((mask + rng.normal(scale=0.1, size=mask.shape)).astype("float32"))
        masks.append(mask)
    return pd.DataFrame(
        {
            "image": ImageArray(images),
            "mask": ImageArray(masks),
            "pixel_size": pixel_size,
        }
    )


@pytest.mark.suite
@parametrize_with_checks([CHECKED])
def test_estimator_checks(estimator, check):
    check(estimator)


def test_every_parameter_is_constrained():
    parameters = set(inspect.signature(OwnSizeLipNetClassifier).parameters)
    assert set(OwnSizeLipNetClassifier._parameter_constraints) == parameters


def test_parameters_that_both_classifiers_have_are_alike():
    own, other = OwnSizeLipNetClassifier().get_params(), LipNetClassifier().get_params()
    assert set(other) - set(own) == {"image_shape", "hidden_units", "dense_dropout"}
    assert set(own) - set(other) == {"pixel_size", "region", "batch_pixels"}
    differing = {name for name in set(own) & set(other) if own[name] != other[name]}
    assert differing == {"architecture"}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"region": "image", "batch_norm": True, "test_time_augmentation": True},
        {"pixel_size": 6, "architecture": ("pool", "conv", "stride", "average")},
        {"batch_norm": True, "architecture": ("conv", "pool", "pool", "average")},
    ],
)
def test_an_image_has_the_same_probabilities_in_any_batch(particles, options):
    model = OwnSizeLipNetClassifier(**SMALL, **options).set_params(n_filters=8)
    model.fit(particles, particles["label"])
    alone = [model.predict_proba(particles[i : i + 1]) for i in range(len(particles))]
    alone = np.concatenate(alone)
    together = model.predict_proba(particles)
    # Double precision to torch's rounding of sums in single precision.
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)
    order = np.random.default_rng(0).permutation(len(particles))
    shuffled = model.predict_proba(particles.iloc[order])
    np.testing.assert_allclose(shuffled, alone[order], rtol=0, atol=1e-6)
    assert np.ptp(alone, axis=0).max() > 1e-3


def test_rotations_by_right_angles_have_the_same_mean_probabilities(particles, fitted):
    model = clone(fitted).set_params(test_time_augmentation=True)
    model.fit(particles, particles["label"])
    turned = particles.assign(
        image=ImageArray([np.rot90(image) for image in particles["image"]]),
        mask=ImageArray([np.rot90(mask) for mask in particles["mask"]]),
    )
    expected = model.predict_proba(particles)
    np.testing.assert_allclose(model.predict_proba(turned), expected, atol=1e-6)
    assert abs(fitted.predict_proba(turned) - expected).max() > 1e-4


def test_size_is_seen():
    rng = np.random.default_rng(0)
    radii = np.concatenate([rng.uniform(4, 6, 40), rng.uniform(8, 11, 40)])
    y = np.repeat(["small", "large"], 40)
    model = OwnSizeLipNetClassifier(
        n_filters=8,
        batch_norm=True,
        batch_size=8,
        max_epochs=20,
        learning_rate=0.01,
        random_state=0,
    )
    model.fit(draw_disks(radii), y)
    assert model.score(draw_disks(radii, seed=1), y) > 0.9


def test_pixel_size_brings_micrographs_to_one_scale():
    fine, coarse = (draw_disks([12 / size] * 3, size) for size in (0.5, 1.0))
    model = OwnSizeLipNetClassifier(pixel_size=1)
    shapes = [model._find_shapes(table) for table in (fine, coarse)]
    assert [shape[0].tolist() for shape in shapes] == [[26, 26], [29, 29]]


def test_images_are_brought_to_pixel_size_as_by_resize():
    images = [np.random.default_rng(0).random((13, 20))]
    X = pd.DataFrame({"image": ImageArray(images), "pixel_size": 3.0})
    for pixel_size, shape in [(6.0, (6, 10)), (2.0, (20, 30)), (3.0, (13, 20))]:
        model = OwnSizeLipNetClassifier(pixel_size=pixel_size)
        read = model._validate_images(X, reset=True)
        expected = Resize(shape).fit_transform(images)
        np.testing.assert_array_equal(read.pixels, expected[0])


def test_outside_the_mask_there_is_nothing(particles, fitted):
    image = particles["image"].array
    noise = [np.full(each.shape, 255, "uint8") for each in image]
    filled = [
        np.where(mask, each, other)
        for mask, each, other in zip(particles["mask"], image, noise, strict=True)
    ]
    changed = particles.assign(image=ImageArray(filled))
    for size in (None, 6.0):
        model = clone(fitted).set_params(pixel_size=size)
        model.fit(particles, particles["label"])
        expected = model.predict_proba(particles)
        np.testing.assert_array_equal(model.predict_proba(changed), expected)
        masked = ApplyMask().fit_transform(particles)
        np.testing.assert_array_equal(model.predict_proba(masked), expected)


def test_a_particle_smaller_than_half_a_pixel_keeps_one():
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    X = pd.DataFrame(
        {
            "image": ImageArray([np.full((9, 9), 7.0)]),
            "mask": ImageArray([mask]),
            "pixel_size": 1.0,
        }
    )
    read = OwnSizeLipNetClassifier(pixel_size=3)._validate_images(X, reset=True)
    assert read.inside.tolist() == [False] * 4 + [True] + [False] * 4
    np.testing.assert_allclose(read.pixels[4], 7.0)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_images_of_one_pixel_train_and_predict(batch_norm):
    rng = np.random.default_rng(0)
    images = [rng.random((1 + i % 3, 1 + i % 2)) for i in range(12)]
    model = OwnSizeLipNetClassifier(
        **SMALL, batch_size=1, batch_norm=batch_norm, augmentation=RandomAffine()
    )
    model.fit(images, [0, 1] * 6)
    assert np.isfinite(model.predict_proba([np.ones((1, 1)), *images])).all()


OPTIONS = [
    {
        "epoch_sampler": EpochOverSampler(),
        "augmentation": [RandomAffine(noise=0.1), RandomIntensity()],
        "class_weight": "balanced",
    },
    {
        "epoch_sampler": EpochUnderSampler(0.5),
        "early_stopping": True,
        "validation_fraction": 0.3,
        "callbacks": [DropoutDecay()],
    },
    {
        "loss": FocalLoss(),
        "batch_norm": True,
        "batch_pixels": 2**13,
        "optimizer": "sgd",
        "learning_rate_schedule": "one_cycle",
        "augmentation": RandomAffine(0, shear=0),
    },
]


@pytest.mark.parametrize("options", OPTIONS)
def test_same_seed_gives_the_same_bits(particles, options):
    y = particles["label"]
    model = OwnSizeLipNetClassifier(**SMALL, **options).fit(particles, y)
    again = clone(model).fit(particles, y)
    assert_same_bits(model, again)
    other = clone(model).set_params(random_state=1).fit(particles, y)
    assert not torch.equal(weights_of(model), weights_of(other))
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        loaded.predict_proba(particles), model.predict_proba(particles)
    )


def test_a_schedule_goes_to_its_end_whatever_the_number_of_batches(particles):
    seen = []

    def schedule(progress):
        seen.append(progress)
        return 1.0

    model = OwnSizeLipNetClassifier(
        **SMALL, batch_size=8, batch_pixels=2**12, learning_rate_schedule=schedule
    )
    model.fit(particles, particles["label"])
    n_batches = len(model.net_.history[0]["batches"])
    assert n_batches > 5  # Of 8 images each they would be 5.
    assert seen[:n_batches] == pytest.approx(np.arange(n_batches) / n_batches / 2)
    assert max(seen) < 1


def test_training_goes_on_in_parts_and_warm(particles):
    y = particles["label"]
    model = OwnSizeLipNetClassifier(**SMALL)
    parts = clone(model).partial_fit(particles[:20], y[:20], classes=np.unique(y))
    parts.partial_fit(particles[20:], y[20:])
    assert parts.n_iter_ == 2
    warm = clone(model).set_params(warm_start=True).fit(particles, y)
    before = weights_of(warm)
    warm.fit(particles, y)
    assert warm.n_iter_ == 4
    assert not torch.equal(before, weights_of(warm))


def test_training_starts_from_pretrained_networks_of_either_size(particles, fitted):
    y = particles["label"]
    rows = Resize(12).fit_transform(particles)
    resized = LipNetClassifier("lipnet-4c", **SMALL).fit(rows, y)
    for given in (fitted, resized):
        model = clone(fitted).set_params(pretrained=given, layer_decay=0, max_epochs=1)
        kernel = model.fit(particles, y).net_.module_.features.conv1.weight
        assert torch.equal(kernel, given.net_.module_.features.conv1.weight)
    model.set_params(n_filters=5)
    with pytest.raises(ValueError, match=r"other layers.*n_filters is 5 here and 4"):
        model.fit(particles, y)


def test_groups_share_a_class_in_epochs(particles):
    sampler = EpochOverSampler(power=0.5)
    model = OwnSizeLipNetClassifier(**SMALL, epoch_sampler=sampler)
    groups = particles["micrograph"]
    with_groups = clone(model).fit(particles, particles["label"], groups=groups)
    again = clone(model).fit(particles, particles["label"], groups=groups)
    assert_same_bits(with_groups, again)


def test_samples_of_weight_zero_are_left_out(particles):
    y, weights = particles["label"], np.arange(len(particles)) % 3 > 0
    model = OwnSizeLipNetClassifier(**SMALL)
    weighted = clone(model).fit(particles, y, sample_weight=weights.astype(float))
    assert_same_bits(weighted, clone(model).fit(particles[weights], y[weights]))


def test_transform_returns_averages_that_give_the_probabilities(particles, fitted):
    averages = torch.from_numpy(fitted.transform(particles))
    assert averages.shape == (36, 4)
    logits = fitted.net_.module_.output(averages)
    np.testing.assert_allclose(
        logits.softmax(dim=1).detach(), fitted.predict_proba(particles), atol=1e-6
    )


def test_pixels_of_double_precision_are_computed_in_double_precision(particles):
    images = [image.astype(float) for image in particles["image"]]
    model = OwnSizeLipNetClassifier(**SMALL).fit(images, particles["label"])
    assert model.predict_proba(images).dtype == np.float64
    assert weights_of(model).dtype == torch.float64


def test_integers_are_divided_by_white_as_by_resize(particles, fitted):
    assert fitted.white_ == 255
    assert 0 < fitted.mean_ < 1
    floats = particles.assign(
        image=ImageArray([image.astype("float32") for image in particles["image"]])
    )
    with pytest.raises(ValueError, match="Classifier was fitted to uint8 pixels"):
        fitted.predict(floats)


def test_pipeline_cross_validation_and_search(particles):
    y = particles["label"]
    model = make_lipnet_pipeline("lipnet-4c", size="own", pixel_size=8, **SMALL)
    assert list(model.named_steps) == ["normalize", "crop", "mask", "classify"]
    assert model["classify"].region == "mask"
    result = cross_validate_particles(
        model, particles, y, groups=particles["micrograph"], cv=2
    )
    assert len(result.y_pred) == 36
    search = GridSearchCV(
        model,
        {"classify__pixel_size": [8, 10], "classify__augmentation__rotation": [0, 180]},
        cv=StratifiedGroupKFold(2),
        error_score="raise",
    )
    search.fit(particles, y, groups=particles["micrograph"])
    assert len(search.cv_results_["params"]) == 4


@pytest.mark.parametrize("input_mode", ["cropped", "surrounding"])
def test_pipeline_shows_the_surrounding_if_asked(input_mode):
    model = make_lipnet_pipeline("lipnet-4c", size="own", input_mode=input_mode)
    assert model["classify"].region == "image"


def test_recipes_refuse_layers_that_need_one_size():
    for make in (make_lipnet_pipeline, make_ensemble_pipeline):
        with pytest.raises(ValueError, match=r"'lipnet-\d' ends in 'dense'.*4c"):
            make(size="own")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"architecture": "lipnet-4"}, ValueError, r"'lipnet-4' ends in 'dense'.*4c"),
        ({"architecture": ("conv", "dense")}, ValueError, "tuple of layers that ends"),
        ({"architecture": ("conv", "pol", "average")}, ValueError, "expected layers"),
        ({"architecture": len}, ValueError, "'architecture' parameter"),
        ({"pixel_size": 0}, ValueError, "'pixel_size' parameter"),
        ({"region": "particle"}, ValueError, "'region' parameter"),
        ({"batch_pixels": 100}, ValueError, r"An image of \d+ pixels, in row \d+ of X"),
        ({"pixel_size": 1e-4}, ValueError, "larger than batch_pixels=524288"),
        ({"pixel_size": 1e-300}, ValueError, "larger than batch_pixels=524288"),
    ],
)
def test_what_cannot_be_is_refused_before_training(particles, change, error, message):
    def stop(*_):
        raise AssertionError("training began")

    model = OwnSizeLipNetClassifier(**SMALL, learning_rate_schedule=stop)
    with pytest.raises(error, match=message):
        model.set_params(**change).fit(particles, particles["label"])


def test_an_image_that_has_no_room_to_turn_is_refused(particles):
    largest = particles["image"].array.shapes.prod(axis=1).max()
    model = OwnSizeLipNetClassifier(
        **SMALL, region="image", batch_pixels=int(largest), augmentation=RandomAffine()
    )
    with pytest.raises(ValueError, match="room to move an image of"):
        model.fit(particles, particles["label"])
    model.set_params(augmentation=None).fit(particles, particles["label"])
    with pytest.raises(ValueError, match="An image of 1000000 pixels, in row 1 of X"):
        model.predict([np.zeros((3, 3), "uint8"), np.zeros((1000, 1000), "uint8")])


def test_columns_that_are_needed_are_asked_for(particles, fitted):
    bare = particles[["image"]]
    with pytest.raises(ValueError, match="X has no column 'pixel_size', in nm"):
        OwnSizeLipNetClassifier(pixel_size=2).fit(bare, particles["label"])
    with pytest.raises(ValueError, match="no column 'mask', but had one when OwnSize"):
        fitted.predict(bare)
    whole = OwnSizeLipNetClassifier(**SMALL, region="image")
    whole.fit(particles, particles["label"]).predict(bare)


def test_labels_of_another_number_are_refused(particles):
    with pytest.raises(ValueError, match=r"inconsistent numbers.* \[36, 35\]"):
        OwnSizeLipNetClassifier().fit(particles, particles["label"][:-1])


@pytest.mark.parametrize("look", [FeatureMapDisplay.from_estimator, occlusion_map])
def test_inspection_says_that_it_needs_images_of_one_size(particles, fitted, look):
    with pytest.raises(TypeError, match=r"own size.*LipNetClassifier behind a Resize"):
        look(fitted, particles)


def test_displays_of_training_and_results_take_it(particles, fitted):
    display = TrainingCurveDisplay.from_estimator(fitted)
    assert len(display.ax_.lines[0].get_xdata()) == 2


def test_input_and_cropped_tables_stay_as_they_are(particles):
    cropped = CropToMask().fit_transform(particles)
    before = cropped.copy(deep=True)
    OwnSizeLipNetClassifier(**SMALL, pixel_size=7).fit(cropped, particles["label"])
    pd.testing.assert_frame_equal(cropped, before)
