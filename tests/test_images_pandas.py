"""pandas' own suite for extension arrays, run on ImageArray.

Most of its tests write ``assert data[0] == data[1]``, which has one answer only if an
image has one pixel. So the suite runs twice: on images of one pixel, where nearly all
of it applies, and on images of differing sizes, where the rest of it does.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from pandas.tests.extension import conftest as fixtures
from pandas.tests.extension.base import Dim2CompatTests, ExtensionTests

from sklipo.images import ImageArray, ImageDtype

PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3

SHARED_FIXTURES = """
    all_arithmetic_operators all_boolean_reductions all_data all_numeric_accumulations
    all_numeric_reductions all_reductions as_array as_frame as_series box_in_series
    comparison_op data_for_twos data_repeated fillna_method groupby_apply_op
    invalid_scalar na_cmp na_value use_numpy
""".split()
if PANDAS_3:
    SHARED_FIXTURES.append("using_nan_is_na")
    more_fixtures = fixtures
else:
    from pandas import conftest as more_fixtures

    settings.load_profile("sklipo")  # that file has loaded another
    SHARED_FIXTURES += """
        nulls_fixture sort_by_key using_copy_on_write using_infer_string
    """.split()
for fixture in SHARED_FIXTURES:
    globals()[fixture] = getattr(fixtures, fixture, None) or getattr(
        more_fixtures, fixture
    )

LEFT_OUT = {
    reason: tests.split()
    for reason, tests in {
        "pandas reads a 2-D array set into a Series or DataFrame as several values": """
            test_series_constructor_scalar_with_index
            test_setitem_iloc_scalar_mixed
            test_setitem_iloc_scalar_multiple_homogoneous
            test_setitem_iloc_scalar_single
            test_setitem_loc_iloc_slice
            test_setitem_loc_scalar_mixed
            test_setitem_loc_scalar_multiple_homogoneous
            test_setitem_loc_scalar_single
            test_setitem_mask_broadcast
            test_setitem_scalar
            test_setitem_with_expansion_row
        """,
        "Series.fillna and DataFrame.fillna refuse any array as the value": """
            test_fillna_copy_frame
            test_fillna_copy_series
            test_fillna_frame
            test_fillna_limit_frame
            test_fillna_limit_series
            test_fillna_series
        """,
        "pandas compares a Series with a 2-D array row by row": """
            test_compare_scalar
            test_setitem_2d_values
        """,
        "pandas names a group after its key, and arrays are not hashable": """
            test_groupby_extension_apply
            test_groupby_extension_transform
        """,
        "images are not numbers to plot": "test_plot_on_y_axis",
        "images are not written to CSV": "test_EA_types",
    }.items()
}

if not PANDAS_3:
    LEFT_OUT |= {
        "pandas 2 makes a string array of what the images hold": ["test_astype_str"],
        "pandas 2 refuses arrays as the result of an aggregation": [
            "test_groupby_agg_extension"
        ],
        "pandas 2 hashes the elements of a column that it sorts by": [
            "test_sort_values_frame"
        ],
    }

# Run on arrays, left out on Series, for the first reason above.
LEFT_OUT_ON_SERIES = """
    test_setitem_integer_array
    test_setitem_mask
    test_setitem_mask_boolean_array_with_na
    test_setitem_sequence_broadcasts
    test_setitem_slice
""".split()

LEFT_OUT_WHERE_SIZES_DIFFER = {
    reason: tests.split()
    for reason, tests in {
        "the test asserts that == between two images has one answer": """
            test_array_interface
            test_array_item
            test_array_item_with_index
            test_copy
            test_fillna_readonly
            test_get
            test_is_immutable
            test_item
            test_ravel
            test_setitem_mask_aligned
            test_setitem_preserves_views
            test_setitem_scalar_series
            test_setitem_sequence
            test_setitem_sequence_broadcasts
            test_shift_0_periods
            test_take
            test_take_sequence
            test_tolist
            test_transpose
            test_unique
            test_view
            test_where_series
        """,
        "the test computes with images of two sizes": """
            test_arith_frame_with_scalar
            test_combine_add
            test_combine_le
            test_compare_array
        """,
        "pandas hashes or compares the elements of an index or object array": """
            test_merge_on_extension_array
            test_searchsorted
            test_sort_values_frame
        """,
    }.items()
}


# pandas 2 looks for a message by an empty pattern, of which newer pytest warns.
@pytest.mark.filterwarnings(
    "ignore:matching against an empty string:pytest.PytestWarning"
)
class Suite(*(base for base in ExtensionTests.__bases__ if base != Dim2CompatTests)):
    """The suite for arrays of one dimension, with the hooks it offers set."""

    _combine_le_expected_dtype = ImageDtype()

    def _compare_other(self, ser, data, op, other):
        if op.__name__ in ("eq", "ne"):
            super()._compare_other(ser, data, op, other)
        else:
            with pytest.raises(TypeError, match="not supported between instances"):
                op(ser, other)

    def _cast_pointwise_result(self, op_name, obj, other, pointwise_result):
        return pointwise_result.map(np.all).astype(bool)


for name in LEFT_OUT_ON_SERIES:
    pytest.mark.parametrize("box_in_series", [False])(getattr(Suite, name))


def leave_out(*tables):
    """Return a decorator that takes tests out of a suite."""
    names = [name for table in tables for names in table.values() for name in names]

    def decorate(suite):
        for name in names:
            # pandas 2.2 has not yet all of the tests.
            assert not PANDAS_3 or callable(getattr(suite, name)), name
            setattr(suite, name, None)
        return suite

    return decorate


@pytest.mark.suite
@leave_out(LEFT_OUT)
class TestImagesOfOnePixel(Suite):
    @pytest.fixture
    def shape_of(self):
        return lambda value: (1, 1)


@pytest.mark.suite
@leave_out(LEFT_OUT, LEFT_OUT_WHERE_SIZES_DIFFER)
class TestImagesOfDifferingSizes(Suite):
    @pytest.fixture
    def shape_of(self):
        return lambda value: (value + 1, value % 3 + 2)


@pytest.fixture
def images(shape_of):
    def make(values, dtype=np.uint8):
        return ImageArray(
            [None if v is None else np.full(shape_of(v), v, dtype) for v in values]
        )

    return make


@pytest.fixture
def dtype():
    return ImageDtype()


@pytest.fixture
def data(images):
    # floats, as ~ is defined for images of integers but not for columns of images
    return images(range(1, 11 if PANDAS_3 else 101), np.float32)


@pytest.fixture
def data_missing(images):
    return images([None, 1])


@pytest.fixture
def data_for_sorting(images):
    return images([2, 3, 1])


@pytest.fixture
def data_missing_for_sorting(images):
    return images([2, None, 1])


@pytest.fixture
def data_for_grouping(images):
    return images([2, 2, None, None, 1, 1, 2, 3])
