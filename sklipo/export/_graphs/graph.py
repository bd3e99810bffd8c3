"""What the steps of a model share while they are written into one graph."""

from functools import cached_property

import numpy as np

from .measures import FORMS
from .ops import NoOnnxForm
from .particles import Cutout

# What kind of pixels a raw scale of grays stands for, by its white level.
_KINDS = {255: "uint8", 65535: "uint16", 1: "float"}


class Graph:
    """Inputs of a graph, and what is found out while steps are written into it.

    Parameters
    ----------
    op : Ops
        The operators.
    dtype : dtype
        Type of the pixels that the graph takes.

    Attributes
    ----------
    inputs : dict
        The inputs that the steps so far need, by name.
    pixels : str
        Kind of pixels whose raw scale a step needs: "uint8", "uint16" or "float"; or
        "any" if none depends on the scale.
    no_form : list of str
        Groups of features that can't be measured in a graph.
    input_modes : dict
        How much of the surrounding is seen, as keys: "surrounding", "cropped",
        "masked", or "measured" for all that measures look at.
    steps, path : dict, list of str
        Classes of the steps so far by their names, and the name of the current one.
    feature_names : list of str
        Columns of the input ``features``, which then stands in for them.
    """

    def __init__(self, op, dtype=np.float32):
        self.op = op
        self.inputs = {}
        self.pixels = "any"
        self.no_form = []
        self.input_modes = {}
        self.steps = {}
        self.path = []
        self.feature_names = []
        self._dtype = dtype
        self._particles = {}

    @cached_property
    def cutout(self):
        """The particle that the graph takes, checked."""
        op, shape = self.op, ("height", "width")
        image = self.inputs["image"] = op.argument(self._dtype, shape)
        mask = self.inputs["mask"] = op.argument(np.bool_, shape)
        same = op.all(op.equal(op.shape(image), op.shape(mask)))
        zero = op.fail_unless(same, "mask must have the shape of image")
        zero = zero + op.fail_unless(op.any(mask), "mask must have a pixel inside")
        mask = op.reshape(mask, op.shape(mask) + zero)
        finite = ~op.any(op.isnan(op.single(image)) | op.isinf(op.single(image)))
        zero = zero + op.fail_unless(finite, "image must have finite pixels")
        # What depends on a zero waits for the checks.
        image = op.single(op.reshape(image, op.shape(image) + zero))
        return Cutout(image, mask)

    @cached_property
    def pixel_size(self):
        """Nanometers per pixel, an input where a step asks for it."""
        op = self.op
        pixel_size = self.inputs["pixel_size"] = op.argument(np.float64, ())
        is_size = op.greater(pixel_size, 0.0) & ~op.isinf(pixel_size)
        zero = op.fail_unless(is_size, "pixel_size must be above 0")
        return pixel_size + op.double(zero)

    def rows(self, n_features, dtype):
        """Return rows that the graph takes."""
        self.inputs["rows"] = self.op.argument(dtype, ("n_samples", n_features))
        return self.inputs["rows"]

    def note_view(self, cutout, white, input_mode=None):
        """Keep in mind what a step sees: how much of a cut-out, and on which scale."""
        self.input_modes[input_mode or cutout.input_mode] = None
        if cutout.is_raw:
            self.pixels = _KINDS[white]

    def features(self, transformer, cutout):
        """Return the features of a cut-out, measured here if that is possible."""
        self.input_modes["measured"] = None
        no_form = [group for group in transformer.groups_ if group not in FORMS]
        names = transformer.get_feature_names_out().tolist()
        if not no_form:
            return self._measure(transformer, cutout)
        self.no_form = no_form
        if self.feature_names not in ([], names):
            raise NoOnnxForm("Members of the model measure differing features")
        self.feature_names = names
        self.inputs["features"] = self.inputs.get("features") or self.op.argument(
            np.float64, ("n_samples", len(names))
        )
        return self.inputs["features"]

    def _measure(self, transformer, cutout):
        """Return the features of a cut-out as a row, each measured once in a graph."""
        op, in_nm = self.op, transformer.unit_ == "nm"
        pixel_size = self.pixel_size if in_nm else op.constant(1.0)
        particle, measured = self._particles.setdefault(
            (cutout, in_nm), (cutout.particle(op, pixel_size), {})
        )
        values = []
        for measurement in transformer._measurements:
            key = measurement.key
            if key not in measured:
                form, scale = FORMS[measurement.group], measurement.scale
                measured[key] = form(
                    particle.normalized(scale), **measurement.arguments
                )
            values.append(measured[key])
        if "none" in {measurement.scale for measurement in transformer._measurements}:
            self.note_view(cutout, transformer._white, "measured")
        return op.unsqueeze(op.concat(values, axis=0), [0])
