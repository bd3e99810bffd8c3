"""Every door, given what people, programs and disks make of particles.

The short run has some hundred inputs of each kind; ``-m long`` has some ten thousand in
all and prints how many there were of each outcome.
"""

import re
import tempfile
from collections import Counter
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from . import (
    file_inputs,
    label_file_inputs,
    label_inputs,
    micrograph_inputs,
    particle_inputs,
)
from .argument_inputs import ODD, call_odd, is_in_earnest, list_calls
from .doors import PARTICLE_DOORS, extract, join, load, read, save_and_load
from .particle_inputs import PLAIN
from .rule import FAULTS, Expected, judge

_SHORT, _LONG = 120, 2200
# Two changes go together if the first leaves the particles and their columns' names.
_HARMLESS = sorted(
    name
    for name, (_, expected) in particle_inputs.VARIANTS.items()
    if expected == Expected.SAME and name != "spaces_around_names"
)
_SEEDS = st.integers(0, 2**32 - 1)


@cache
def _reference(door):
    """Return what a door makes of the plain particles."""
    return PARTICLE_DOORS[door].call(PLAIN)


@st.composite
def particles(draw):
    """Draw a door and particles: a harmless change, then any other."""
    door = draw(st.sampled_from(sorted(PARTICLE_DOORS)))
    names = [
        draw(st.sampled_from(_HARMLESS)),
        draw(st.sampled_from(sorted(particle_inputs.VARIANTS))),
    ]
    rng = np.random.default_rng(draw(_SEEDS))
    heeds_dtype = PARTICLE_DOORS[door].heeds_dtype
    table = PLAIN
    for name in names:
        change, expected = particle_inputs.VARIANTS[name]
        if heeds_dtype and getattr(change, "changes_dtype", False):
            change, expected = particle_inputs.VARIANTS["plain"]
        table = change(table, rng)
    # Always, as a first call also imports modules, which set filters of warnings.
    reference = _reference(door)
    case = f"{door} of {' + '.join(names)}"
    return judge(case, PARTICLE_DOORS[door].call, (table,), expected, reference)


@st.composite
def files(draw):
    """Draw a change of the files of a particle table, and load it."""
    name = draw(st.sampled_from(sorted(file_inputs.VARIANTS)))
    change, expected = file_inputs.VARIANTS[name]
    rng = np.random.default_rng(draw(_SEEDS))
    with tempfile.TemporaryDirectory() as folder:
        path = change(file_inputs.write_plain(Path(folder)), rng)
        before = sorted(Path(folder).rglob("*"))
        reference = None if path.is_dir() else PLAIN[["image", "mask"]]
        verdict = judge(f"load_particles of {name}", load, (path,), expected, reference)
        assert sorted(Path(folder).rglob("*")) == before
    return verdict


@st.composite
def saved(draw):
    """Draw a table of odd labels and pixels, save it and load it again."""
    text = st.text(max_size=5) | st.sampled_from(
        ["True", "1e5", "007", "NA", "", "nan", 'é;,"']
    )
    labels = draw(st.lists(text, min_size=len(PLAIN), max_size=len(PLAIN)))
    dtype = draw(st.sampled_from(["u1", "u2", "i2", "f4", "f8", "?", "i8"]))
    suffix = draw(st.sampled_from([".csv", ".parquet"]))
    images = particle_inputs.ImageArray(
        [np.asarray(a).astype(dtype) for a in PLAIN["image"]]
    )
    table = PLAIN.assign(image=images, label=pd.Series(labels, dtype=object))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"particles{suffix}"
        case = f"save_particles and load_particles of {suffix}"
        return judge(case, save_and_load, (table, path), Expected.EITHER, table)


@st.composite
def label_images(draw):
    """Draw a label image, and cut its particles out."""
    name = draw(st.sampled_from(sorted(label_inputs.VARIANTS)))
    change, expected = label_inputs.VARIANTS[name]
    labels = change(label_inputs.LABELS, np.random.default_rng(draw(_SEEDS)))
    reference = extract(label_inputs.LABELS) if expected == Expected.SAME else None
    return judge(
        f"extract_particles of {name}", extract, (labels,), expected, reference
    )


@st.composite
def micrographs(draw):
    """Draw a file of a microscope, and read it."""
    name = draw(st.sampled_from(sorted(micrograph_inputs.VARIANTS)))
    write, expected = micrograph_inputs.VARIANTS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), np.random.default_rng(draw(_SEEDS)))
        # A flipped bit of a pixel goes unseen where a format has no checksums.
        reference = label_inputs.MICROGRAPH if expected == Expected.SAME else None
        case = f"read_micrograph of {name}, {path.name}"
        return judge(case, read, (path,), expected, reference)


@st.composite
def label_files(draw):
    """Draw a change of a file of labels, and read them."""
    name = draw(st.sampled_from(sorted(label_file_inputs.VARIANTS)))
    change, expected = label_file_inputs.VARIANTS[name]
    rng = np.random.default_rng(draw(_SEEDS))
    with tempfile.TemporaryDirectory() as folder:
        path = change(label_file_inputs.write_plain(Path(folder)), rng)
        reference = PLAIN[["label"]]
        return judge(f"read_labels of {name}", join, (path,), expected, reference)


@st.composite
def arguments(draw):
    """Draw an odd value for one parameter of a public class or function."""
    calls = _calls()
    name = draw(st.sampled_from(sorted(calls)))
    function, good = calls[name]
    parameter = draw(st.sampled_from(sorted(good)))
    value = draw(st.sampled_from(ODD))
    if is_in_earnest(parameter, value):
        value = -7
    case = f"{name}({parameter}={value!r})"
    call = partial(call_odd, function, good, parameter)
    return judge(case, call, (value,), Expected.EITHER)


@cache
def _calls():
    """Return the calls, each made once as it is well."""
    calls = list_calls()
    for name, (function, good) in calls.items():
        if name != "read_micrograph":
            function(**{k: v for k, v in good.items() if v is not None})
    return calls


_INPUTS = {
    "particles": particles(),
    "files": files(),
    "saved": saved(),
    "label images": label_images(),
    "micrographs": micrographs(),
    "label files": label_files(),
    "arguments": arguments(),
}


def _take_census(inputs, n_examples):
    """Return the verdicts on some examples; none stops the others."""
    verdicts = []

    @settings(
        max_examples=n_examples,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(inputs)
    def collect(verdict):
        verdicts.append(verdict)

    collect()
    return verdicts


def _report(verdicts):
    """Return the counts of outcomes, and each kind of fault once."""
    counts = Counter(str(verdict.outcome) for verdict in verdicts)
    faults = [verdict for verdict in verdicts if verdict.outcome in FAULTS]
    # Rows and the names of temporary folders differ between faults of one kind.
    kinds = {
        (v.case.split("=")[0], re.sub(r"\d+|tmp\w+", "", v.detail)[:90]): v
        for v in faults
    }
    return "\n".join([str(dict(counts)), *map(str, kinds.values())])


@pytest.mark.parametrize("kind", _INPUTS)
def test_the_answer_is_right_or_clear(kind):
    verdicts = _take_census(_INPUTS[kind], _SHORT)
    assert not any(v.outcome in FAULTS for v in verdicts), _report(verdicts)


@pytest.mark.long
@pytest.mark.parametrize("kind", _INPUTS)
def test_ten_thousand_answers_are_right_or_clear(kind, capsys):
    verdicts = _take_census(_INPUTS[kind], _LONG)
    with capsys.disabled():
        print(f"\n{kind}: {_report(verdicts)}")
    assert not any(v.outcome in FAULTS for v in verdicts)
