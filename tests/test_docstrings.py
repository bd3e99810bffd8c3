"""Every public name is documented as numpydoc asks; no name is exempt."""

import inspect
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from numpydoc.validate import validate

import sklipo

# Left to each docstring's judgement, for all names alike: GL01 (where the summary
# starts; ruff sees to that), ES01 (an extended summary where the first line says it),
# RT02 (a single result may have a name).
STYLE = {"GL01", "ES01", "RT02"}
# Asked of classes and functions, not of each of their methods.
NOT_OF_METHODS = {"SA01", "EX01"}


def public_objects():
    """Yield the path of each public object, and whether it is a method."""
    for info in walk_packages(sklipo.__path__, "sklipo."):
        if "._" in info.name:
            continue
        module = import_module(info.name)
        for name, thing in vars(module).items():
            home = getattr(thing, "__module__", None) or ""
            # A package exports what its private modules define.
            is_exported = "._" in home and name in getattr(module, "__all__", ())
            if name.startswith("_") or not (home == module.__name__ or is_exported):
                continue
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield f"{module.__name__}.{name}", False
            if inspect.isclass(thing):
                for method, member in vars(thing).items():
                    if not method.startswith("_") and (
                        inspect.isroutine(member) or isinstance(member, property)
                    ):
                        yield f"{module.__name__}.{name}.{method}", True


@pytest.mark.parametrize(("path", "is_method"), list(public_objects()))
def test_docstring(path, is_method):
    ignored = STYLE | NOT_OF_METHODS if is_method else STYLE
    errors = [error for error in validate(path)["errors"] if error[0] not in ignored]
    assert not errors, "\n".join(f"{code} {message}" for code, message in errors)


def test_every_public_object_is_in_the_api_reference():
    pages = Path(__file__).parent.parent / "docs" / "api"
    listed = " ".join(page.read_text() for page in pages.glob("*.rst")).split()
    # The page of measures lists what the package exports.
    known = {name.rpartition(".")[2] for name in listed} | set(sklipo.measures.__all__)
    paths = [path for path, is_method in public_objects() if not is_method]
    assert not [path for path in paths if path.rpartition(".")[2] not in known]
