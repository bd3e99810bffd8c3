import ast
import subprocess
import sys
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest

import sklipo
import sklipo.datasets

PACKAGE = Path(sklipo.__file__).parent
PUBLIC_MODULES = [
    info.name for info in iter_modules([PACKAGE]) if not info.name.startswith("_")
]

LIGHT = """
import sys
import sklipo
import pandas
heavy = {"torch", "skimage", "matplotlib", "skorch", "sklearn"} & set(sys.modules)
assert not heavy, heavy
assert len(pandas.array([[[1, 2]]], dtype="image")) == 1
"""

# Importing one module makes others attributes of the package. Each name has to be found
# without such help, so it is taken off first.
EACH_NAME = """
import sklipo
for name in dir(sklipo):
    vars(sklipo).pop(name, None)
    getattr(sklipo, name)
"""


def run(code):
    subprocess.run([sys.executable, "-c", code], check=True)


def test_import_is_light():
    run(LIGHT)


def test_every_name_that_dir_lists_is_an_attribute_after_a_bare_import():
    run(EACH_NAME)


def test_dir_lists_what_all_lists_and_every_public_module():
    assert dir(sklipo) == sorted(sklipo.__all__)
    assert set(PUBLIC_MODULES) <= set(sklipo.__all__)


def test_stub_tells_editors_the_names_of_all():
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    *imports, listed = stub.body
    imported = [alias.name for statement in imports for alias in statement.names]
    assert ast.unparse(listed.targets[0]) == "__all__"
    assert ast.literal_eval(listed.value) == sorted(imported)
    assert sorted(sklipo.__all__) == sorted(imported)


@pytest.mark.parametrize("module", [sklipo, sklipo.datasets])
def test_every_public_name_is_there(module):
    for name in module.__all__:
        thing = getattr(module, name)
        prefix = f"{module.__name__}." if isinstance(thing, ModuleType) else ""
        assert thing.__name__ == prefix + name
        assert name in dir(module)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="LipNet7"):
        sklipo.LipNet7  # noqa: B018
