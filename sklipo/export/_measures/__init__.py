"""The measures of :mod:`sklipo.measures` as nodes of a graph.

``FORMS`` maps the groups of features that a graph can measure to functions. Each takes
a particle and the settings that the group in ``sklipo.measures._groups`` names, and
returns the features in the order of that group: a tensor of shape (n_features,) and
type float64.
"""

FORMS = {}
