"""The operators of ONNX as functions of what the nodes before them compute."""

from functools import cached_property, partial
from numbers import Number

import numpy as np

from ..._extras import import_extra

# Runs from version 1.14 of ONNX Runtime on.
LEAST_OPSET = 18
# The newest that ONNX Runtime runs here.
LAST_OPSET = 23
# The domain of scikit-learn's models has versions of its own. This one runs wherever
# the least opset does.
ML_OPSET = 3


class NoOnnxForm(ValueError):
    """A step of a model can't be written as a graph."""


class Tensor:
    """What a node of a graph computes; signs of Python make further nodes.

    Parameters
    ----------
    op : Ops
        The operators.
    var : spox.Var
        The output of the node.

    Attributes
    ----------
    dtype : dtype
        Type of the elements.
    shape : tuple
        Length of each axis: a number, a name, or None if it is not known.
    """

    def __init__(self, op, var):
        self.op = op
        self.var = var

    dtype = property(lambda self: self.var.unwrap_tensor().dtype)
    shape = property(lambda self: self.var.unwrap_tensor().shape)

    def __add__(self, other):
        return self.op.add(self, other)

    def __radd__(self, other):
        return self.op.add(other, self)

    def __sub__(self, other):
        return self.op.sub(self, other)

    def __rsub__(self, other):
        return self.op.sub(other, self)

    def __mul__(self, other):
        return self.op.mul(self, other)

    def __rmul__(self, other):
        return self.op.mul(other, self)

    def __truediv__(self, other):
        return self.op.div(self, other)

    def __rtruediv__(self, other):
        return self.op.div(other, self)

    def __neg__(self):
        return self.op.neg(self)

    def __and__(self, other):
        return self.op.and_(self, other)

    def __or__(self, other):
        return self.op.or_(self, other)

    def __invert__(self):
        return self.op.not_(self)


class Ops:
    """The operators of one opset, under the names of spox.

    They take and return tensors. Numbers of Python may stand for these: a number takes
    the type of the first tensor among the operands, a list of whole numbers is a tensor
    of int64, and arrays and numbers of NumPy keep their type. Functions, such as the
    body of a loop, get tensors and return tensors.

    Parameters
    ----------
    opset : int
        Version of the operators.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.export._graphs.ops import Ops
    >>> op = Ops(18)
    >>> x = op.argument(np.float64, ("n",))
    >>> y = op.max([2 * x - 1, 0.0])
    >>> y.dtype, y.shape
    (dtype('float64'), ('n',))
    """

    def __init__(self, opset):
        self.opset = opset

    @cached_property
    def _spox(self):
        return import_extra("spox", "onnx")

    @cached_property
    def _operators(self):
        return import_extra(f"spox.opset.ai.onnx.v{self.opset}", "onnx")

    @cached_property
    def _ml(self):
        return import_extra(f"spox.opset.ai.onnx.ml.v{ML_OPSET}", "onnx")

    def __getattr__(self, name):
        """Return an operator by the name that it has in spox."""
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(self._call, getattr(self._operators, name))

    def _call(self, operator, *operands, **attributes):
        """Return what an operator makes of tensors and numbers."""
        dtype = next((x.dtype for x in _flat(operands) if isinstance(x, Tensor)), None)
        operands = [self._as_var(operand, dtype) for operand in operands]
        attributes = {
            name: self._within_graph(value) if callable(value) else value
            for name, value in attributes.items()
        }
        return self._wrapped(operator(*operands, **attributes))

    def _as_var(self, operand, dtype):
        """Return an operand as spox takes it."""
        if operand is None:
            return None
        if isinstance(operand, Tensor):
            return operand.var
        if isinstance(operand, np.ndarray | np.generic):
            return self._operators.const(operand)
        if isinstance(operand, Number):
            return self._operators.const(np.array(operand, dtype))
        if any(isinstance(x, Tensor) for x in operand):
            return [self._as_var(x, dtype) for x in operand]
        return self._operators.const(np.array(operand, np.int64))

    def _wrapped(self, result):
        """Return what spox has returned as tensors."""
        if isinstance(result, self._spox.Var):
            return Tensor(self, result)
        return [self._wrapped(x) for x in result]

    def _within_graph(self, function):
        """Return a function of tensors as one of what spox has."""
        # A type, such as that of a cast, can be called too.
        if isinstance(function, type):
            return function

        def of_vars(*variables):
            results = function(*map(self._wrapped, variables))
            return [result.var for result in results]

        return of_vars

    def build(self, inputs, outputs):
        """Return a graph of named inputs and outputs."""
        return self._spox.build(
            *({name: x.var for name, x in part.items()} for part in (inputs, outputs))
        )

    def inline(self, graph, **inputs):
        """Return what a graph makes of named inputs, by name."""
        inputs = {name: x.var for name, x in inputs.items()}
        results = self._spox.inline(graph)(**inputs)
        return {name: self._wrapped(x) for name, x in results.items()}

    def encode(self, labels, classes):
        """Return the positions of labels among the classes."""
        if labels.dtype.kind == "U":
            keys = {"keys_strings": classes.tolist()}
        else:
            keys = {"keys_int64s": [int(label) for label in classes]}
        codes = list(range(len(classes)))
        return self._call(self._ml.label_encoder, labels, values_int64s=codes, **keys)

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
        return self.inline(check, failed=self.integer(~flag))["zero"]

    def argument(self, dtype, shape):
        """Return an input of the graph."""
        return Tensor(self, self._spox.argument(self._spox.Tensor(dtype, shape)))

    def constant(self, value, dtype=None):
        """Return an array or a number as a tensor."""
        return Tensor(self, self._operators.const(np.array(value, dtype)))

    def double(self, x):
        """Return numbers in double precision."""
        return self.cast(x, to=np.float64)

    def single(self, x):
        """Return numbers in single precision."""
        return self.cast(x, to=np.float32)

    def integer(self, x):
        """Return numbers as int64, towards zero."""
        return self.cast(x, to=np.int64)

    def length(self, x, axis):
        """Return the length of an axis, a number."""
        return self.squeeze(self.shape(x, start=axis, end=axis + 1))

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
        """Tell whether one of some flags is set, as a scalar; of none, none is."""
        return self.greater(self.each_max(self.cast(flags, to=np.int32)), 0)

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

        return self.loop(None, self.reshape(flag, [1]), state, body=body)

    def double_up_to(self, n, step, *state):
        """Return a state after as many steps as 1 has to double to reach n."""

        def body(_, flag, *state):
            return [flag, *step(*state)]

        is_less = self.less(self.constant(2 ** np.arange(48)), n)
        return self.loop(
            self.each_sum(self.integer(is_less)),
            self.constant([True]),
            state,
            body=body,
        )

    def each(self, n, step, *fixed):
        """Return what a step makes of each number below n, and of fixed tensors."""
        # Spox puts nodes that only a step uses into it, where each step would run them
        # again. So the number of steps has to depend on them.
        for tensor in fixed:
            n = n + self.size(tensor) * 0

        def body(i, flag):
            return [flag, step(i, *fixed)]

        return self.loop(n, self.constant([True]), body=body)

    def cut(self, x, starts, ends):
        """Return the part of an image between rows and columns, two numbers each."""
        return self.slice(x, starts, ends, [0, 1])

    def stack(self, numbers):
        """Return numbers as a tensor of one axis."""
        return self.concat([self.unsqueeze(x, [0]) for x in numbers], axis=0)

    def turned(self, x):
        """Return two rows of numbers as columns, or two columns as rows."""
        # Before version 1.24, ONNX Runtime makes one node of a transpose and a product,
        # and has none for doubles.
        axis = 0 if x.shape[0] == 2 else 1
        parts = self.split(x, num_outputs=2, axis=axis)
        parts = [self.squeeze(part, [axis]) for part in parts]
        return self.concat(
            [self.unsqueeze(p, [1 - axis]) for p in parts], axis=1 - axis
        )

    def roll(self, x, step, axis):
        """Return a tensor with its parts moved along an axis, as NumPy does."""
        parts = [
            self.slice(x, [-step], [2**62], [axis]),
            self.slice(x, [0], [-step], [axis]),
        ]
        return self.concat(parts, axis=axis)

    def count(self, places, n, weights=None):
        """Return how often each number from 0 to n - 1 occurs, or sums of weights."""
        if weights is None:
            weights = self.constant_of_shape(self.shape(places), value=np.array([1.0]))
        zeros = self.constant_of_shape(self.reshape(n, [1]), value=np.array([0.0]))
        return self.scatter_elements(zeros, places, weights, axis=0, reduction="add")


def _flat(operands):
    """Yield operands, and those within lists of them."""
    for operand in operands:
        yield from operand if isinstance(operand, list | tuple) else (operand,)
