"""The least versions for CI are those that pyproject.toml claims."""

import runpy
from pathlib import Path

TOOL = Path(__file__).parent.parent / "tools" / "least_versions.py"
least_versions = runpy.run_path(str(TOOL))["least_versions"]
PROJECT = {
    "name": "sklipo",
    "dependencies": ["numpy>=2.1", "scikit-learn >= 1.6,<2", "torch"],
    "optional-dependencies": {
        "em": ["rosettasciio[hdf5,tiff]>=0.7"],
        "plot": ["matplotlib>=3.9"],
        "test": ["pytest>=9.0", "sklipo[em,plot]"],
    },
}


def test_without_extras_only_what_the_package_needs():
    assert least_versions(PROJECT) == {"numpy": "2.1", "scikit-learn": "1.6"}


def test_extras_bring_what_they_name():
    assert least_versions(PROJECT, ["test"]) == {
        "numpy": "2.1",
        "scikit-learn": "1.6",
        "rosettasciio": "0.7",
        "matplotlib": "3.9",
        "pytest": "9.0",
    }
