import subprocess
import sys

import pytest

import sklipo
import sklipo.datasets

LIGHT = """
import sys
import sklipo
import pandas
heavy = {"torch", "skimage", "matplotlib", "skorch", "sklearn"} & set(sys.modules)
assert not heavy, heavy
assert len(pandas.array([[[1, 2]]], dtype="image")) == 1
"""


def test_import_is_light():
    subprocess.run([sys.executable, "-c", LIGHT], check=True)


@pytest.mark.parametrize("module", [sklipo, sklipo.datasets])
def test_every_public_name_is_there(module):
    for name in module.__all__:
        assert getattr(module, name).__name__ == name
        assert name in dir(module)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'LipNet7'"):
        sklipo.LipNet7  # noqa: B018
