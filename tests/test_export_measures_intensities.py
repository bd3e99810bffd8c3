"""Measures of pixels in a graph against those of sklipo.measures."""

from functools import cache
from pathlib import Path

import hypothesis
import numpy as np
import onnxruntime
import pytest
from export_cases import check_parity, drawn_particles, odd_particles, real_particles
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from measure_cases import MASKS, NOISE, every_mask
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklipo import ParticleFeatures
from sklipo.export._graphs.measures import FORMS
from sklipo.export._graphs.measures import particle as graph_particles
from sklipo.export._graphs.measures.intensities import at
from sklipo.export._graphs.ops import LAST_OPSET, LEAST_OPSET, Ops
from sklipo.measures import Particle
from sklipo.measures._groups import GROUPS, Measurement
from sklipo.surrounding import SCALES

EMPS = Path(__file__).parents[2] / "shared" / "data" / "emps_cutouts"
TESTED = (
    "moments",
    "histogram",
    "radial_profile",
    "edge_profile",
    "signal_to_noise",
    "segmentation_variance",
    "edge_profile_spread",
    "intensity",
    "texture",
    "symmetry",
)
PIXEL_SIZE = 0.7
RANGES = {"contrast": (-2.0, 2.0), "noise": (-9.0, 30.0), "none": (0.0, 255.0)}
SETTINGS = {"n_points": 80, "n_bins": 32}
every_scale = pytest.mark.parametrize("scale", SCALES)


def start_session(op, inputs, outputs):
    """Return a session of one thread that runs a graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph = op.build(inputs, outputs)
    return onnxruntime.InferenceSession(graph.SerializeToString(), options)


@cache
def session_of(scale, opset=LEAST_OPSET, **settings):
    """Return a session that measures all groups on a scale."""
    op = Ops(opset)
    image = op.argument(np.float32, ("height", "width"))
    mask = op.argument(np.bool_, ("height", "width"))
    particle = graph_particles.Particle(op, image, mask, op.constant(PIXEL_SIZE))
    particle = particle.normalized(scale)
    settings = {"value_range": RANGES[scale], **SETTINGS, **settings}
    settings["intensity"] = scale
    measured = {}
    for group in TESTED:
        taken = {name: settings[name] for name in GROUPS[group].settings}
        measured[group] = FORMS[group](particle, **taken)
    return start_session(op, {"image": image, "mask": mask}, measured)


def measure_in_python(particle, scale, **settings):
    """Return the values of each group."""
    settings = {"value_range": RANGES[scale], **SETTINGS, **settings}
    return {
        group: np.concatenate(
            [
                np.atleast_1d(values)
                for values in Measurement(group, scale, tuple(settings.items()))
                .measure(particle.normalized(scale))
                .values()
            ]
        )
        for group in TESTED
    }


def tolerances(particle, scale, expected):
    """Return how far the values of each group may be off, beyond 1e-9 of them."""
    values = particle.normalized(scale).intensities.values
    sides = np.ptp(particle.geometry.mask.nonzero(), axis=1)[::-1] + 1
    lengths = sides * PIXEL_SIZE
    far = dict.fromkeys(TESTED, 1e-9)
    # Sums of numbers of both signs may be nearly zero.
    far["radial_profile"] = far["edge_profile"] = 1e-9 * np.abs(values).max()
    sums = (np.abs(values).sum() + 1e-300) * np.append(lengths**2, lengths**3)
    # Moments about the corner of an image are rounded more.
    far["moments"] = 1e-9 * sums * 9
    # Averages over squares are of single precision in Python.
    texture = expected["texture"]
    far["texture"] = np.where(np.arange(texture.size) < 5, 1e-9, 1e-4)
    return far


def check(image, mask, scale, session=None, **settings):
    """Compare all measures of a particle."""
    image = np.asarray(image)
    session = session or session_of(scale, **settings)
    found = session.run(None, {"image": image.astype(np.float32), "mask": mask})
    particle = Particle(image, mask, PIXEL_SIZE)
    expected = measure_in_python(particle, scale, **settings)
    far = tolerances(particle, scale, expected)
    for group, values in zip(TESTED, found, strict=True):
        wanted = expected[group]
        assert values.shape == wanted.shape, group
        assert values.dtype == np.float64, group
        is_close = np.abs(values - wanted) <= far[group] + 1e-9 * np.abs(wanted)
        assert is_close.all(), (group, values[~is_close], wanted[~is_close])


@every_scale
@every_mask
def test_masks(name, scale):
    check(NOISE, MASKS[name], scale)


@every_scale
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_odd_particles(dtype, scale):
    for row in odd_particles(dtype, n_samples=24).itertuples():
        check(row.image, row.mask, scale)


@cache
def read_real_particles():
    return real_particles(EMPS, 50)


@every_scale
@pytest.mark.skipif(not EMPS.exists(), reason="needs the real particles")
def test_real_particles(scale):
    for row in read_real_particles().itertuples():
        check(row.image, row.mask, scale)


@every_scale
def test_artificial_particles(scale):
    for row in drawn_particles(20).itertuples():
        check(row.image, row.mask, scale)


@st.composite
def cutouts(draw):
    """Draw an image of single precision and a mask of any form."""
    shape = draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mask = draw(
        st.one_of(
            arrays(bool, shape),
            st.just(np.ones(shape, bool)),
            st.just(rng.random(shape) < 0.7),
        )
    )
    mask[rng.integers(shape[0]), rng.integers(shape[1])] = True
    level = draw(st.sampled_from([0.0, 1.0, 1000.0, -4e4]))
    unit = draw(st.sampled_from([1e-30, 1e-4, 1.0, 77.0, 1e30]))
    image = draw(
        st.one_of(
            arrays(float, shape, elements=st.sampled_from([0.0, 1.0])),
            arrays(float, shape, elements=st.integers(0, 255).map(float)),
            arrays(float, shape, elements=st.floats(-1, 1, width=32)),
            st.just(np.zeros(shape)),
            st.just(rng.normal(size=shape)),
        )
    )
    return (level + unit * image).astype(np.float32), mask


@every_scale
@hypothesis.settings(max_examples=100)
@given(cutout=cutouts())
def test_any_particle(scale, cutout):
    check(*cutout, scale)


@pytest.mark.parametrize(
    "settings",
    [
        {"n_points": 2, "n_bins": 1},
        {"n_points": 301, "n_bins": 1000, "value_range": (40.0, 200.5)},
        {"value_range": (7.0, 7.0)},
    ],
    ids=["few", "many", "no range"],
)
def test_settings(settings):
    for name in ("pixel", "ellipse"):
        check(NOISE, MASKS[name], "none", **settings)


def test_newest_operators():
    check(NOISE, MASKS["corner"], "contrast", session_of("contrast", LAST_OPSET))


@pytest.mark.parametrize("n", [1, 2, 5000])
def test_numbers_by_their_place(n):
    op = Ops(LEAST_OPSET)
    values, places = (op.argument(np.float64, (name,)) for name in ("n", "n_places"))
    inputs = {"values": values, "places": places}
    session = start_session(op, inputs, {"found": at(op, values, places)})
    rng = np.random.default_rng(0)
    wanted = np.unique([0, n // 3, n // 2, n - 1]).astype(float)
    for numbers in (
        rng.normal(size=n),
        rng.integers(0, 3, n) * 1.0,
        np.full(n, 0.1),
        # All but one are on the same level.
        np.append(rng.normal(size=n - 1), 1e30),
        rng.normal(size=n) * 1e-40,
    ):
        found = session.run(None, {"values": numbers, "places": wanted})[0]
        assert (found == np.sort(numbers)[wanted.astype(int)]).all()


def test_all_measures_on_all_scales(tmp_path):
    particles = odd_particles()
    features = ParticleFeatures(intensity=list(SCALES))
    model = make_pipeline(features, StandardScaler(), LogisticRegression(C=0.01))
    model.fit(particles, particles["label"])
    export = check_parity(model, particles, tmp_path / "model.onnx")
    assert export.starts_at == "image"
