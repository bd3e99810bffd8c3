"""What all tests share: settings of Hypothesis, torch and SciPy, and a browser."""

import os

import pytest
from hypothesis import settings

# The same examples in each run; on a busy machine a deadline says nothing.
settings.register_profile("sklipo", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("sklipo")

# Tests train tiny networks, which more threads make slower; torch reads it at import.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# SciPy reads it when it is imported; scikit-learn's check of array API input needs it.
os.environ["SCIPY_ARRAY_API"] = "1"


@pytest.fixture(scope="session")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def browser(downloads):
    from page_cases import start_browser

    browser = start_browser(downloads)
    yield browser
    browser.quit()


@pytest.fixture(scope="session")
def page_path(tmp_path_factory):
    from page_cases import fit_model, make_result

    from sklipo.export import to_html

    path = tmp_path_factory.mktemp("page") / "page.html"
    title = "Liposomes </title> & <b>more</b>"
    to_html(fit_model(), path, result=make_result(), title=title)
    return path


@pytest.fixture(scope="session")
def _opened(browser, page_path):
    from page_cases import Page

    return Page(browser, page_path)


@pytest.fixture
def page(_opened):
    """Give the page without particles; it logs no error."""
    _opened.remove_all()
    yield _opened
    log = _opened.browser.get_log("browser")
    assert [entry for entry in log if entry["level"] == "SEVERE"] == []
