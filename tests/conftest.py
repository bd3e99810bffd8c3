"""What all tests share: settings of Hypothesis, torch and SciPy."""

import os

from hypothesis import settings

# The same examples in each run; on a busy machine a deadline says nothing.
settings.register_profile("sklipo", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("sklipo")

# Tests train tiny networks, which more threads make slower; torch reads it at import.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# SciPy reads it when it is imported; scikit-learn's check of array API input needs it.
os.environ["SCIPY_ARRAY_API"] = "1"
