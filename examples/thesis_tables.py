"""Tables that the thesis prints, to set beside what the examples measure.

S. Gryshkevych, "Convolutional neural networks for classification of transmission
electron microscopy imagery", Uppsala University, 2016.
"""

import numpy as np
import pandas as pd

ENCAPSULATION = ["empty", "full", "uncertain"]
LAMELLARITY = ["unilamellar", "multilamellar", "uncertain"]

# Average confusion matrices over 5 folds, rows true. Normalized: Table 6, LipNet-4
# augmented by zoom alone; Tables 7 and 8, the SVM.
TABLE_6 = pd.DataFrame(
    [[0.43, 0.13, 0.44], [0.04, 0.90, 0.06], [0.14, 0.35, 0.51]],
    ENCAPSULATION,
    ENCAPSULATION,
)
TABLE_7 = pd.DataFrame(
    [[0.89, 0.01, 0.10], [0.04, 0.87, 0.09], [0.18, 0.10, 0.72]],
    ENCAPSULATION,
    ENCAPSULATION,
)
TABLE_8 = pd.DataFrame(
    [[0.94, 0.04, 0.02], [0.00, 0.98, 0.02], [0.03, 0.11, 0.86]],
    LAMELLARITY,
    LAMELLARITY,
)

# In particles: Tables 9 and 10, the networks with all augmentation.
TABLE_9 = pd.DataFrame(
    [[2325, 15, 124], [4, 323, 16], [2, 3, 11]], LAMELLARITY, LAMELLARITY
)
TABLE_10 = pd.DataFrame(
    [[24, 1, 7], [272, 3929, 660], [30, 9, 61]], ENCAPSULATION, ENCAPSULATION
)


def print_beside_thesis(title, ours, thesis):
    """Print our figures beside those of the thesis, which are of other data."""
    print(f"\n{title}")
    print("The thesis measured other particles: compare the pattern, not the size.")
    print(pd.concat({"here": ours, "thesis": thesis}, axis=1).round(2).to_string())


def expand(matrix):
    """Return true and predicted classes with such a confusion matrix of counts."""
    counts = matrix.to_numpy()
    rows, columns = np.repeat(np.argwhere(counts > 0), counts[counts > 0], axis=0).T
    return matrix.index.to_numpy()[rows], matrix.columns.to_numpy()[columns]
