"""Classify particles in electron micrographs with scikit-learn tools.

The names that the stub ``__init__.pyi`` lists are imported when they are first used
(SPEC 1 of the Scientific Python project), so ``import sklipo`` loads neither torch nor
matplotlib.
"""

import lazy_loader as _lazy

# Not lazy: the import registers the pandas dtype "image".
from . import images as images

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
