"""The measures of :mod:`sklipo.measures` as nodes of a graph.

``FORMS`` maps the groups of features that a graph can measure to functions. Each takes
a particle and the settings that the group in ``sklipo.measures._groups`` names, and
returns the features in the order of that group: a tensor of shape (n_features,) and
type float64.
"""

from .shapes import outline_harmonics, shape
from .sizes import area, circularity, diameter, length, maximum_width, perimeter

FORMS = {
    # What the mask alone says.
    "area": area,
    "circularity": circularity,
    "diameter": diameter,
    "length": length,
    "maximum_width": maximum_width,
    "outline": outline_harmonics,
    "perimeter": perimeter,
    "shape": shape,
}
