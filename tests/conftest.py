"""What all tests share: settings, and counts of suites that other libraries ship.

``@pytest.mark.suite("scikit-learn estimator checks")`` on a test or a test class puts
it into a suite. ``left_out`` names the tests of the suite that are not run.
"""

import os
from collections import Counter, defaultdict

import pytest
from hypothesis import settings

# The same examples in each run; on a busy machine a deadline says nothing.
settings.register_profile("sklipo", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("sklipo")

# Tests train tiny networks, which more threads make slower; torch reads it at import.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# SciPy reads it when it is imported; scikit-learn's check of array API input needs it.
os.environ["SCIPY_ARRAY_API"] = "1"

_LEFT_OUT = pytest.StashKey()


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "suite(name, left_out=()): a test from another library's suite, counted apart",
    )
    config.stash[_LEFT_OUT] = defaultdict(set)


def pytest_collection_modifyitems(config, items):
    for item in items:
        mark = item.get_closest_marker("suite")
        if mark is not None:
            name = mark.args[0]
            item.user_properties.append(("suite", name))
            config.stash[_LEFT_OUT][name].update(mark.kwargs.get("left_out", ()))


def pytest_terminal_summary(terminalreporter, config):
    counts = defaultdict(Counter)
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            name = dict(getattr(report, "user_properties", ())).get("suite")
            if name is not None and outcome:
                counts[name][outcome] += 1
    for name, outcomes in sorted(counts.items()):
        failed = outcomes["failed"] + outcomes["error"] + outcomes["xpassed"]
        line = f"{name} suite: {outcomes['passed']} passed, {failed} failed"
        line += f", {outcomes['skipped']} skipped, {outcomes['xfailed']} xfailed"
        left_out = len(config.stash[_LEFT_OUT][name])
        terminalreporter.write_line(f"{line}, {left_out} left out")
