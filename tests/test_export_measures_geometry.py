"""What is measured of masks in a graph, compared with sklipo.measures."""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from export_cases import drawn_particles, odd_particles, real_particles
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from measure_cases import MASKS

from sklipo.export._graphs.measures import FORMS
from sklipo.export._graphs.measures.geometry import Geometry as GeometryForm
from sklipo.export._graphs.measures.particle import Particle as ParticleForm
from sklipo.export._graphs.ops import LAST_OPSET, LEAST_OPSET, Ops
from sklipo.measures import Geometry, Particle
from sklipo.measures._groups import GROUPS

EMPS = Path(__file__).parents[2] / "shared" / "data" / "emps_cutouts"
NAMES = (
    "area",
    "circularity",
    "diameter",
    "length",
    "maximum_width",
    "outline",
    "perimeter",
    "shape",
)
# Tolerances, relative and absolute: OpenCV finds the smallest circle in single
# precision, and the eccentricity of a disk is the root of what rounding leaves.
LOOSE = {"circumscribed_ratio": (1e-5, 0), "eccentricity": (1e-9, 1e-7)}


class Measuring:
    """Compares masks measured by a graph with masks measured by sklipo."""

    def __init__(self, opset):
        op = Ops(opset)
        image = op.argument(np.float32, ("height", "width"))
        inputs = {
            "mask": op.argument(np.bool_, ("height", "width")),
            "pixel_size": op.argument(np.float64, ()),
        }
        particle = ParticleForm(op, image, **inputs)
        outputs = {name: FORMS[name](particle) for name in NAMES}
        self._session = _start(op.build(inputs, outputs))

    def check(self, mask, pixel_size=1.3):
        inputs = {"mask": np.asarray(mask), "pixel_size": np.array(pixel_size)}
        measured = dict(zip(NAMES, self._session.run(None, inputs), strict=True))
        particle = Particle(np.zeros(mask.shape), mask, pixel_size=pixel_size)
        for name in NAMES:
            expected = GROUPS[name].measure(particle)
            if not isinstance(expected, dict):
                expected = {name: expected}
            values = np.hstack(list(expected.values()))
            tolerances = [LOOSE.get(key, (1e-9, 1e-9)) for key in expected]
            rtol, atol = np.transpose(tolerances)
            assert measured[name].shape == values.shape
            error = np.abs(measured[name] - values)
            assert (error <= rtol * np.abs(values) + atol).all(), name


def _start(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


@pytest.fixture(scope="module")
def measuring():
    return Measuring(LEAST_OPSET)


@pytest.fixture(scope="module")
def geometry_parts():
    """Return a function of a mask that returns parts of its geometry by name."""
    op = Ops(LEAST_OPSET)
    mask = op.argument(np.bool_, ("height", "width"))
    geometry = GeometryForm(op, mask)
    outputs = {
        name: getattr(geometry, name)
        for name in (
            *("squared_depth", "depth", "deepest", "centroid", "squared_radii"),
            *("sectors", "variances", "root", "inverse_root", "offsets", "places"),
        )
    }
    outputs["image"] = geometry.to_image(geometry.depth)
    for name in ("shells", "rings"):
        rings = getattr(geometry, name)
        outputs |= {f"{name}_numbers": rings.numbers, f"{name}_sizes": rings.sizes}
        outputs[f"{name}_means"] = rings.average(geometry.depth)
    session = _start(op.build({"mask": mask}, outputs))
    return lambda mask: dict(
        zip(outputs, session.run(None, {"mask": mask}), strict=True)
    )


def draw_noise(rng):
    """Return a mask of many components and holes, or of single pixels."""
    mask = rng.random(rng.integers(1, 40, size=2)) < rng.choice([0.05, 0.4, 0.7, 0.97])
    mask[tuple(rng.integers(mask.shape))] = True
    return mask


def draw_blobs(rng):
    """Return a mask of rounded components with holes, cut off by the border."""
    noise = rng.normal(size=rng.integers(5, 160, size=2))
    mask = cv2.GaussianBlur(noise, (0, 0), rng.uniform(1, 12)) > 0
    mask[tuple(rng.integers(mask.shape))] = True
    return mask


small_masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)).filter(
    np.any
)


@given(small_masks)
def test_any_mask_measures_the_same(measuring, mask):
    measuring.check(mask)


@pytest.mark.parametrize("draw", [draw_noise, draw_blobs])
def test_masks_of_many_components_measure_the_same(measuring, draw):
    rng = np.random.default_rng(0)
    for _ in range(60):
        measuring.check(draw(rng))


@pytest.mark.parametrize("name", MASKS)
def test_shapes_measure_the_same(measuring, name):
    measuring.check(MASKS[name])
    measuring.check(np.ascontiguousarray(MASKS[name].T), pixel_size=0.4)


@pytest.mark.parametrize("radius", [0, 1, 2, 5, 17.3, 60, 130])
def test_disks_measure_the_same(measuring, radius):
    y, x = np.mgrid[-131:132, -131:132]
    measuring.check(np.hypot(y, x) <= radius)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (1, 700), (300, 2)])
def test_masks_that_fill_the_image_measure_the_same(measuring, shape):
    measuring.check(np.ones(shape, bool))


@pytest.mark.parametrize("n", [2, 3, 60])
def test_diagonals_measure_the_same(measuring, n):
    measuring.check(np.eye(n, dtype=bool))
    measuring.check(np.eye(n, dtype=bool)[::-1].copy())
    measuring.check(np.eye(n, dtype=bool) | np.eye(n, dtype=bool)[::-1])


def test_the_same_of_outlines_of_equal_area_is_described(measuring):
    mask = np.zeros((12, 30), bool)
    # Outlines of lines have no area, and both triangles have the same.
    lines, triangles = mask.copy(), mask.copy()
    lines[2, 3:9] = lines[4, 12] = lines[9, 11:25] = True
    triangles[2, 3:5] = triangles[3, 3] = True
    triangles[3, 20] = triangles[2:4, 21] = True
    for tied in (lines, triangles, triangles[:, ::-1], triangles[::-1]):
        measuring.check(tied.copy())


def test_a_component_in_a_hole_of_another_changes_no_outline(measuring):
    y, x = np.mgrid[-20:21, -20:21]
    radius = np.hypot(y, x)
    measuring.check((radius < 4) | ((radius > 10) & (radius < 18)))


@pytest.mark.skipif(not EMPS.is_dir(), reason="needs ../shared/data/emps_cutouts")
def test_real_particles_measure_the_same(measuring):
    for mask in real_particles(EMPS, 50)["mask"]:
        measuring.check(np.asarray(mask))


def test_artificial_particles_measure_the_same(measuring):
    for particles in (drawn_particles(), odd_particles()):
        for mask in particles["mask"]:
            measuring.check(np.asarray(mask))


def test_the_newest_operators_measure_the_same():
    measuring = Measuring(LAST_OPSET)
    for mask in MASKS.values():
        measuring.check(mask)


@given(small_masks)
def test_parts_of_any_geometry_are_the_same(geometry_parts, mask):
    check_parts(geometry_parts, mask)


@pytest.mark.parametrize("draw", [draw_noise, draw_blobs])
def test_parts_of_the_geometry_are_the_same(geometry_parts, draw):
    rng = np.random.default_rng(1)
    for _ in range(40):
        check_parts(geometry_parts, draw(rng))


def check_parts(geometry_parts, mask):
    parts, geometry = geometry_parts(mask), Geometry(mask)
    variances, axes = geometry.principal_axes
    places = np.array(np.nonzero(geometry.inside))
    # Whole numbers, and what they are split by, to the bit.
    exact = {
        "squared_depth": geometry.squared_depth,
        "depth": geometry.depth,
        "deepest": geometry.deepest,
        "centroid": geometry.centroid,
        "squared_radii": geometry.squared_radii,
        "sectors": geometry.sectors,
        "places": places,
        "offsets": places - np.reshape(geometry.centroid, (2, 1)),
        "image": geometry.to_image(geometry.depth),
    }
    close = {
        "variances": variances,
        "root": axes * np.sqrt(variances) @ axes.T,
        "inverse_root": axes / np.sqrt(variances) @ axes.T,
    }
    for name in ("shells", "rings"):
        rings = getattr(geometry, name)
        exact |= {f"{name}_numbers": rings.numbers, f"{name}_sizes": rings.sizes}
        close[f"{name}_means"] = rings.average(geometry.depth)
    for name, expected in exact.items():
        np.testing.assert_array_equal(parts[name], expected, err_msg=name)
    for name, expected in close.items():
        np.testing.assert_allclose(
            parts[name], expected, rtol=1e-9, atol=1e-9, err_msg=name
        )


@given(st.integers(1, 3), st.integers(1, 40))
def test_rows_and_columns_of_pixels_measure_the_same(measuring, height, width):
    mask = np.zeros((height + 2, width + 2), bool)
    mask[1:-1, 1:-1] = True
    measuring.check(mask)
    measuring.check(mask.T.copy())
