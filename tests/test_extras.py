import pytest

from sklipo._extras import import_extra


def test_missing_package_names_the_extra():
    with pytest.raises(ImportError, match=r'needs nowhere.*"sklipo\[inspect\]"'):
        import_extra("nowhere.found", "inspect")
