"""Parts of a model that skops can't hold, or not safely, as plain values.

In a file a part stands where the object stood. When the file is opened, the class of
the part is called with these plain values, checks them and returns the object.
"""

from importlib import import_module
from pathlib import Path
from types import BuiltinFunctionType, FunctionType

import numpy as np
import pandas as pd
from sklearn.metrics import get_scorer, get_scorer_names

# Private part of scikit-learn: the class of its own scorers.
from sklearn.metrics._scorer import _Scorer
from sklearn.neighbors import BallTree, KDTree

# Private part of scikit-learn: the arrays that a decision tree is made of.
from sklearn.tree._tree import NODE_DTYPE, Tree

# Private parts of scikit-learn: what an estimator keeps of its requests.
from sklearn.utils._metadata_requests import SIMPLE_METHODS, MetadataRequest

from ...evaluation import CrossValidationResult

# What callbacks of skorch have among their settings.
_FUNCTIONS = ("builtins.print", "skorch.utils.noop", "skorch.utils.to_numpy")


# Those of SMOTE and of estimators of neighbors; others would take functions.
_TREES = {tree.__name__: tree for tree in (KDTree, BallTree)}
_DISTANCES = ("chebyshev", "euclidean", "manhattan", "minkowski")


class Part:
    """An object as plain values: ``take_apart`` gives them, ``build`` the object."""

    def __new__(cls, *values):
        """Return the object that the values are about."""
        return cls.build(*values)

    @classmethod
    def of(cls, obj):
        """Return the part that stands for an object, or None if it is no such part."""
        values = cls.take_apart(obj)
        return None if values is None else cls.holding(values)

    @classmethod
    def holding(cls, values):
        """Return a part that holds values rather than builds from them."""
        part = object.__new__(cls)
        part.values = tuple(values)
        return part

    def __reduce__(self):
        """Return what skops keeps: the class, and the values to call it with."""
        return type(self), self.values


class TablePart(Part):
    """A DataFrame by its columns."""

    @staticmethod
    def take_apart(table):
        columns = [_values(table.iloc[:, i]) for i in range(table.shape[1])]
        return table.columns, columns, table.index

    @staticmethod
    def build(names, columns, index):
        columns = [pd.Series(values, index=index) for values in columns]
        table = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=index)
        return table.set_axis(names, axis=1)


class SeriesPart(Part):
    """A Series by its values."""

    @staticmethod
    def take_apart(series):
        return _values(series), series.index, series.name

    @staticmethod
    def build(values, index, name):
        return pd.Series(values, index=index, name=name)


class IndexPart(Part):
    """An Index by its levels."""

    @staticmethod
    def take_apart(index):
        levels = [index.get_level_values(i) for i in range(index.nlevels)]
        return [_values(level) for level in levels], list(index.names)

    @staticmethod
    def build(levels, names):
        if len(levels) == 1:
            return pd.Index(levels[0], name=names[0])
        return pd.MultiIndex.from_arrays(levels, names=names)


class ObjectArrayPart(Part):
    """An array of objects, of any shape."""

    @staticmethod
    def take_apart(array):
        return (list(array.flat), array.shape) if array.dtype == object else None

    @staticmethod
    def build(objects, shape):
        array = np.empty(len(objects), dtype=object)
        # One by one: NumPy would make a matrix of objects that are lists.
        for i, value in enumerate(objects):
            array[i] = value
        return array.reshape(shape)


class MaskedArrayPart(Part):
    """A masked array, such as a search has for its parameters."""

    @staticmethod
    def take_apart(array):
        return array.data, np.ma.getmaskarray(array), array.fill_value

    @staticmethod
    def build(data, mask, fill_value):
        return np.ma.MaskedArray(data, mask, fill_value=fill_value)


class ResultPart(Part):
    """A result of cross-validation by its fields, which its constructor checks."""

    @staticmethod
    def take_apart(result):
        names = CrossValidationResult.__dataclass_fields__
        return ({name: getattr(result, name) for name in names},)

    @staticmethod
    def build(fields):
        return CrossValidationResult(**fields)


class ScorerPart(Part):
    """A scorer of scikit-learn by its name."""

    @staticmethod
    def take_apart(scorer):
        # Only some versions of scikit-learn compare scorers by what they compute.
        for name in get_scorer_names():
            known = get_scorer(name)
            if type(known) is type(scorer) and vars(known) == vars(scorer):
                return (name,)
        return None

    @staticmethod
    def build(name):
        return get_scorer(str(name))


class RequestPart(Part):
    """The metadata that an estimator asks for; it holds the estimator itself."""

    @staticmethod
    def take_apart(request):
        owner = request.owner
        name = owner if isinstance(owner, str) else type(owner).__name__
        return name, {name: getattr(request, name).requests for name in SIMPLE_METHODS}

    @staticmethod
    def build(owner, requests):
        request = MetadataRequest(owner)
        for name in SIMPLE_METHODS:
            for param, alias in requests.get(name, {}).items():
                getattr(request, name).add_request(param=param, alias=alias)
        return request


class FunctionPart(Part):
    """One of the few functions that settings of callbacks are, by name."""

    @staticmethod
    def take_apart(function):
        name = f"{function.__module__}.{function.__name__}"
        return (name,) if name in _FUNCTIONS else None

    @staticmethod
    def build(name):
        if name not in _FUNCTIONS:
            raise ValueError(f"{name!r} is none of the functions {_FUNCTIONS}.")
        module, _, function = name.rpartition(".")
        return getattr(import_module(module), function)


class PathPart(Part):
    """A path, of whatever system."""

    @staticmethod
    def take_apart(path):
        return (str(path),)

    @staticmethod
    def build(text):
        return Path(text)


class DictPart(Part):
    """A dict with keys that are no text: skops reads False as True."""

    @staticmethod
    def take_apart(mapping):
        is_plain = all(type(key) is str for key in mapping)
        return (
            None
            if is_plain or type(mapping) is not dict
            else (list(mapping), list(mapping.values()))
        )

    @staticmethod
    def build(keys, values):
        return dict(zip(keys, values, strict=True))


class TreePart(Part):
    """A decision tree whose nodes are checked.

    scikit-learn follows the numbers in them without a look, in C: wrong ones would read
    memory of others, or never end.
    """

    @staticmethod
    def take_apart(tree):
        _, (n_features, n_classes, n_outputs), state = tree.__reduce__()
        return n_features, n_classes, n_outputs, state["nodes"], state["values"]

    @staticmethod
    def build(n_features, n_classes, n_outputs, saved, values):
        nodes = np.zeros(len(values), dtype=NODE_DTYPE)
        # Versions of scikit-learn differ in what they know of a node.
        for name in set(saved.dtype.names) & set(NODE_DTYPE.names):
            nodes[name] = saved[name]
        state = {
            "max_depth": _find_depth(nodes, n_features),
            "node_count": len(nodes),
            "nodes": nodes,
            "values": values,
        }
        tree = Tree(n_features, n_classes, n_outputs)
        tree.__setstate__(state)
        return tree


def _find_depth(nodes, n_features):
    """Return the depth of a tree, unless a node leads out of the tree or back."""
    depths = np.zeros(len(nodes), dtype=int).tolist()
    inner = nodes["left_child"] != -1
    children = zip(
        np.flatnonzero(inner).tolist(),
        nodes["left_child"][inner].tolist(),
        nodes["right_child"][inner].tolist(),
        strict=True,
    )
    for place, left, right in children:
        # Trees grow from the root on: children come later.
        if not place < min(left, right) <= max(left, right) < len(nodes):
            raise ValueError(
                f"A decision tree leads from node {place} to {left} and {right}."
            )
        depths[left] = depths[right] = depths[place] + 1
    features = nodes["feature"][inner]
    if not len(nodes) or not ((features >= 0) & (features < n_features)).all():
        raise ValueError("A decision tree has no nodes, or asks for other features.")
    return max(depths)


class NeighborTreePart(Part):
    """A KDTree or BallTree by what it is built of, in C: it is built anew."""

    @staticmethod
    def take_apart(tree):
        points, _, _, _, leaf_size, *_, metric, weights = tree.__getstate__()
        kind = type(tree).__name__
        name = type(metric).__name__.removesuffix("64").removesuffix("Distance")
        if weights is not None or kind not in _TREES or name.lower() not in _DISTANCES:
            return None
        order = {"p": metric.p} if name == "Minkowski" else {}
        return kind, np.asarray(points), leaf_size, name.lower(), order

    @staticmethod
    def build(kind, points, leaf_size, metric, order):
        if metric not in _DISTANCES:
            raise ValueError(f"{metric!r} is none of the distances {_DISTANCES}.")
        return _TREES[kind](points, leaf_size, metric, **order)


def _values(column):
    """Return the values of a column or an index as an array, or a list of objects."""
    if isinstance(column.dtype, np.dtype) and column.dtype != object:
        return column.to_numpy()
    return [None if value is pd.NA else value for value in column]


# What stands for objects of each type; those of networks are in _network_parts.
PARTS = {
    pd.DataFrame: TablePart,
    pd.Series: SeriesPart,
    pd.Index: IndexPart,
    np.ma.MaskedArray: MaskedArrayPart,
    np.ndarray: ObjectArrayPart,
    CrossValidationResult: ResultPart,
    _Scorer: ScorerPart,
    MetadataRequest: RequestPart,
    FunctionType: FunctionPart,
    BuiltinFunctionType: FunctionPart,
    Path: PathPart,
    dict: DictPart,
    Tree: TreePart,
    BallTree: NeighborTreePart,
    KDTree: NeighborTreePart,
}
