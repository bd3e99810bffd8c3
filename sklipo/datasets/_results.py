"""What is written of predicted classes, whatever the format."""

from typing import NamedTuple

import numpy as np
import pandas as pd


class Results(NamedTuple):
    """Particles with their classes, all checked; one row of each for every particle."""

    # With the columns that the format needs, masks cut to their boxes.
    particles: pd.DataFrame
    # Names of classes as text.
    y_pred: np.ndarray
    classes: list
    # The probability of the predicted class, and those of all classes.
    confidence: np.ndarray | None
    y_proba: pd.DataFrame | None
    # As "#rrggbb" by class.
    colors: dict
    # The name of each particle's micrograph, and height and width by such names.
    micrographs: list
    shapes: dict
