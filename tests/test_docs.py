"""The pages that no build can find wrong: the build itself runs with ``-W`` in CI."""

import inspect
import re
import runpy
from importlib import import_module
from inspect import ismodule
from pathlib import Path

import pytest

from sklipo import measures
from sklipo.measures import _groups
from sklipo.measures._groups import GROUPS

DOCS = Path(__file__).parent.parent / "docs"
MODULES = ["datasets", "displays", "inspection", "lipnet", "measures", "metrics"]
PAGES = ["sklipo", *MODULES]
MEASURE_LISTS = runpy.run_path(str(DOCS / "sphinxext" / "measure_lists.py"))


def listed_names(page):
    """Return the full names that a page of the API reference lists."""
    module, names = f"sklipo.{page}", []
    text = (DOCS / "api" / f"{page}.rst").read_text()
    if page == "measures":
        text += MEASURE_LISTS["list_measures"]()
    for line in text.splitlines():
        if line.startswith(".. currentmodule::"):
            module = line.split()[-1]
        elif re.fullmatch(r"   [A-Za-z_][\w.]*", line):
            names.append(f"{module}.{line.strip()}")
    return names


def public_names(module):
    """Return the public names of a module that are no modules themselves."""
    names = module.__all__
    return [name for name in names if not ismodule(getattr(module, name))]


@pytest.mark.parametrize("module", ["sklipo", *[f"sklipo.{m}" for m in MODULES]])
def test_api_reference_lists_every_public_name(module):
    listed = [name for page in PAGES for name in listed_names(page)]
    public = public_names(import_module(module))
    # classification_table is public in two places and has one page.
    missing = [
        name
        for name in public
        if f"{module}.{name}" not in listed and f"sklipo.{name}" not in listed
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_api_reference_lists_only_what_exists(page):
    names = listed_names(page)
    assert names == list(dict.fromkeys(names))
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(module), attribute), name


def test_guide_lists_every_group_of_features():
    assert "\n.. feature-groups::\n" in (DOCS / "guide" / "features.rst").read_text()
    table = MEASURE_LISTS["tabulate_groups"]()
    for name, group in GROUPS.items():
        assert f"* - ``{name}``\n     - {group.description}\n" in table


def test_every_measure_is_in_a_group_of_features():
    source = inspect.getsource(_groups)
    functions = [n for n in measures.__all__ if n.islower()]
    assert not [name for name in functions if f"measures.{name}" not in source]


def test_every_page_of_the_guide_is_in_its_table_of_contents():
    pages = {path.stem for path in (DOCS / "guide").glob("*.rst")} - {"index"}
    listed = re.findall(r"^   (\w+)$", (DOCS / "guide" / "index.rst").read_text(), re.M)
    assert pages == set(listed)


def test_names_lead_to_the_page_that_lists_them():
    pytest.importorskip("sphinx")
    from sphinx.domains.python import ObjectEntry

    find_page = runpy.run_path(str(DOCS / "sphinxext" / "own_names.py"))["find_page"]
    objects = {
        "sklipo.Resize": ObjectEntry("page", "id", "class", False),
        "sklipo.transformers.Resize": ObjectEntry("page", "id", "class", True),
        "sklipo.Resize.fit": ObjectEntry("page", "id", "method", False),
        "sklipo.a.twice": ObjectEntry("page", "id", "function", False),
        "sklipo.b.twice": ObjectEntry("page", "id", "function", False),
    }
    assert find_page("Resize", objects) == "sklipo.Resize"
    assert find_page("sklipo.elsewhere.Resize", objects) == "sklipo.Resize"
    assert find_page("sklearn.Resize", objects) is None
    assert find_page("fit", objects) is None
    assert find_page("twice", objects) is None
