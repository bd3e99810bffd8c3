"""What a page knows of its model: classes, origin, and the errors that it makes."""

from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np

from ..._random import own_seed
from ..._steps import last_step
from ...evaluation._new_samples import encode_labeled
from ...evaluation._prevalence_caveats import caveats_of_labeled, caveats_of_number
from ...evaluation._prevalence_methods import Predictions, count_units, resample_errors
from ...evaluation._resampled_counts import Resampler, find_widening
from ...particles._class_colors import class_colors

_LEVEL = 0.95
_N_RESAMPLES = 1000
_SEED = 0
# Steps of a table of the widening, by the inverse of the degrees of freedom.
_N_STEPS = 1024
_GRAY = "#767676"


def describe_page(model, export, graph, result, title):
    """Return what the page knows, as plain values."""
    metadata = export.metadata
    unsure = metadata.get("unsure")
    colors = list(class_colors(export.classes).values())
    name = type(last_step(model)).__name__
    return {
        "title": title,
        "model": f"{name} {sha256(graph).hexdigest()[:12]}",
        "steps": repr(model),
        "classes": export.classes,
        "unsure": unsure,
        "colors": colors if unsure is None else [*colors, _GRAY],
        "pixels": metadata["pixels"],
        "unit": metadata["unit"],
        "version": metadata["sklipo_version"],
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "judged": None if result is None else _describe_judgment(result),
        "errors": None if result is None else describe_errors(result),
    }


def _describe_judgment(result):
    """Return how the particles of each class were predicted out of fold."""
    n_groups = count_units(result.groups)
    of_groups = "" if n_groups is None else f" of {n_groups} micrographs"
    accuracy = f"{100 * result.summary().loc['balanced_accuracy', 'pooled']:.1f}"
    rows = [
        {
            "name": str(kind),
            "counts": [
                int(np.sum((result.y_true == kind) & (result.y_pred == name)))
                for name in result.classes
            ],
        }
        for kind in result.kinds
    ]
    return {
        "text": (
            f"{len(result.y_true)} particles{of_groups} were each predicted by a model "
            f"that was not trained on them. Of each class, {accuracy} % were "
            "recognized on average."
        ),
        "columns": [str(name) for name in result.classes],
        "rows": rows,
    }


def describe_errors(result):
    """Return the errors of the model, resampled, and what is doubtful about them."""
    kinds, others = result.kinds, result.classes[len(result.kinds) :]
    is_known = np.isin(kinds, result.y_true)
    names = np.concatenate([kinds[is_known], kinds[~is_known], others])
    labeled = encode_labeled(result, names, int(is_known.sum()), len(kinds))
    resampler = Resampler(_LEVEL, _N_RESAMPLES, own_seed(_SEED))
    matrix, drawn = resample_errors(labeled, resampler)
    predictions = Predictions(matrix, None, drawn, None)
    n_units = count_units(labeled.units)
    caveats = caveats_of_number("labeled", n_units)
    caveats += caveats_of_labeled(labeled, names, predictions, _LEVEL)
    return {
        "names": [str(name) for name in names],
        "kinds": [str(kind) for kind in kinds],
        "nKnown": int(is_known.sum()),
        "matrix": matrix.tolist(),
        "drawn": b64encode(drawn.astype("<f4").tobytes()).decode(),
        "level": _LEVEL,
        "widening": _tabulate_widening(),
        "hasGroups": n_units is not None,
        "caveats": caveats,
    }


def _tabulate_widening():
    """Return the widening for 1 / (degrees of freedom) from 0 to 1 in equal steps."""
    inverse = np.linspace(0, 1, _N_STEPS + 1)[1:]
    return [1.0, *find_widening(1 / inverse, _LEVEL).round(9).tolist()]
