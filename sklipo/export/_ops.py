"""The operators of ONNX as functions of what the nodes before them compute."""

from functools import cached_property, partial
from numbers import Number

import numpy as np

from .._extras import import_extra

# Runs from version 1.14 of ONNX Runtime on.
LEAST_OPSET = 18
# The newest that ONNX Runtime runs here.
LAST_OPSET = 23
# The domain of scikit-learn's models has versions of its own. This one runs wherever
# the least opset does.
ML_OPSET = 3


class NoOnnxForm(ValueError):
    """A step of a model can't be written as a graph."""


class Ops:
    """The operators of one opset, under the names of spox.

    Numbers of Python may stand for tensors: a number takes the type of the first tensor
    among the operands, a list of whole numbers is a tensor of int64, and arrays and
    numbers of NumPy keep their type. ``+``, ``-``, ``*``, ``/``, ``&``, ``|`` and ``~``
    work between tensors within :meth:`operators`.

    Parameters
    ----------
    opset : int
        Version of the operators.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.export._ops import Ops
    >>> op = Ops(18)
    >>> x = op.argument(np.float64, ("n",))
    >>> op.relu(op.max([x, 0.0])).type
    Tensor(dtype=float64, shape=('n',))
    """

    def __init__(self, opset):
        self.opset = opset

    @cached_property
    def _spox(self):
        return import_extra("spox", "onnx")

    @cached_property
    def _operators(self):
        return import_extra(f"spox.opset.ai.onnx.v{self.opset}", "onnx")

    def __getattr__(self, name):
        """Return an operator by the name that it has in spox."""
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(self._call, getattr(self._operators, name))

    def _call(self, operator, *operands, **attributes):
        """Return what an operator makes of tensors and numbers."""
        dtype = self._first_dtype(operands)
        tensors = [self._as_tensor(operand, dtype) for operand in operands]
        return operator(*tensors, **attributes)

    def _first_dtype(self, operands):
        """Return the type of the first tensor among operands."""
        for operand in operands:
            if isinstance(operand, list | tuple):
                operand = next((x for x in operand if self._is_tensor(x)), None)
            if self._is_tensor(operand):
                return operand.unwrap_tensor().dtype
        return None

    def _is_tensor(self, operand):
        return isinstance(operand, self._spox.Var)

    def _as_tensor(self, operand, dtype):
        """Return an operand as a tensor, or as a list of them."""
        if operand is None or self._is_tensor(operand):
            return operand
        if isinstance(operand, np.ndarray | np.generic):
            return self._operators.const(operand)
        if isinstance(operand, Number):
            return self._operators.const(np.array(operand, dtype))
        if any(map(self._is_tensor, operand)):
            return [self._as_tensor(x, dtype) for x in operand]
        return self._operators.const(np.array(operand, np.int64))

    def operators(self):
        """Return a context in which signs such as ``+`` work between tensors."""
        # Private part of spox: operator_overloading.
        future = import_extra("spox._future", "onnx")
        return future.operator_overloading(self._operators)

    @cached_property
    def _ml(self):
        return import_extra(f"spox.opset.ai.onnx.ml.v{ML_OPSET}", "onnx")

    def encode(self, labels, classes):
        """Return the positions of labels among the classes."""
        kind = "keys_strings" if classes.dtype.kind in "OU" else "keys_int64s"
        codes = list(range(len(classes)))
        keys = {kind: classes.tolist()}
        return self._ml.label_encoder(labels, values_int64s=codes, **keys)

    def build(self, inputs, outputs):
        """Return a graph of named inputs and outputs."""
        return self._spox.build(inputs, outputs)

    def inline(self, graph):
        """Return a graph as a function of tensors by name."""
        return self._spox.inline(graph)

    def fail_unless(self, flag, message):
        """Return a zero, int64, if a flag is set; else running the graph fails.

        ONNX can't raise errors of its own, but the error of an index that is out of
        bounds names the node, which gets the message for a name.
        """
        name = message.replace(" ", "_")
        parser = import_extra("onnx.parser", "onnx")
        check = parser.parse_model(f"""
            <ir_version: 8, opset_import: ["": {LEAST_OPSET}]>
            check (int64 failed) => (int64 zero) {{
                zeros = Constant <value = int64[1] {{0}}> ()
                [{name}] zero = Gather <axis = 0> (zeros, failed)
            }}""")
        failed = self.integer(~flag)
        return self.inline(check)(failed=failed)["zero"]

    def argument(self, dtype, shape):
        """Return an input of the graph."""
        return self._spox.argument(self._spox.Tensor(dtype, shape))

    def constant(self, value, dtype=None):
        """Return an array or a number as a tensor."""
        return self._operators.const(np.array(value, dtype))

    def double(self, x):
        """Return numbers in double precision."""
        return self._operators.cast(x, to=np.float64)

    def single(self, x):
        """Return numbers in single precision."""
        return self._operators.cast(x, to=np.float32)

    def integer(self, x):
        """Return numbers as int64, towards zero."""
        return self._operators.cast(x, to=np.int64)

    def length(self, x, axis):
        """Return the length of an axis, a number."""
        dimension = self._operators.shape(x, start=axis, end=axis + 1)
        return self._operators.squeeze(dimension)

    def arange(self, n):
        """Return the whole numbers from 0 to n - 1."""
        return self.range(np.int64(0), n, np.int64(1))

    def each_sum(self, x, *axes):
        """Return sums along axes, by default of all."""
        return self.reduce_sum(x, list(axes) or None, keepdims=False)

    def each_max(self, x, *axes):
        """Return maxima along axes, by default of all."""
        return self.reduce_max(x, list(axes) or None, keepdims=False)

    def each_min(self, x, *axes):
        """Return minima along axes, by default of all."""
        return self.reduce_min(x, list(axes) or None, keepdims=False)

    def all(self, flags):
        """Tell whether all of some flags are set, as a scalar."""
        return ~self.any(~flags)

    def any(self, flags):
        """Tell whether one of some flags is set, as a scalar."""
        return self.cast(self.each_max(self.cast(flags, to=np.int32)), to=bool)

    def pick(self, flag, yes, no):
        """Return flags, those of ``yes`` if a flag is set, else those of ``no``."""
        # ONNX Runtime has no Where for flags.
        return (flag & yes) | (~flag & no)

    def choose(self, flag, yes, no):
        """Return what one of two functions computes; the other does not run."""
        (result,) = self.if_(
            flag, then_branch=lambda: [yes()], else_branch=lambda: [no()]
        )
        return result

    def repeat(self, flag, step, *state):
        """Return a state after steps, which return the next flag and state."""

        def body(_, __, *state):
            flag, *state = step(*state)
            return [self.reshape(flag, [1]), *state]

        return self.loop(None, self.reshape(flag, [1]), v_initial=state, body=body)

    def each(self, n, step, *fixed):
        """Return what a step makes of each number below n, and of fixed tensors."""

        # What only the step uses would be computed in each step again.
        def body(i, flag, *fixed):
            return [flag, *fixed, step(i, *fixed)]

        flag = self.constant([True])
        return self.loop(n, flag, v_initial=fixed, body=body)[-1]

    def cut(self, x, starts, ends):
        """Return the part of an image between rows and columns, two numbers each."""
        return self.slice(x, starts, ends, [0, 1])

    def pair(self, first, second):
        """Return two numbers as a tensor of two."""
        return self.concat([self.unsqueeze(x, [0]) for x in (first, second)], axis=0)

    def count(self, places, n, weights=None):
        """Return how often each number from 0 to n - 1 occurs, or sums of weights."""
        if weights is None:
            weights = self.constant_of_shape(self.shape(places), value=np.array([1.0]))
        zeros = self.constant_of_shape(self.reshape(n, [1]), value=np.array([0.0]))
        return self.scatter_elements(zeros, places, weights, axis=0, reduction="add")

    def rising(self, values, n):
        """Return the n lowest of some values in rising order."""
        return self.top_k(values, self.reshape(n, [1]), largest=False)[0]
