"""The measures of :mod:`sklipo.measures` as nodes of a graph.

``FORMS`` maps the groups of features that a graph can measure to functions. Each takes
a particle and the settings that the group in ``sklipo.measures._groups`` names, and
returns the features in the order of that group: a tensor of shape (n_features,) and
type float64.
"""

from . import profiles, shapes, sizes, textures

# In the order of the groups there.
FORMS = {
    "area": sizes.area,
    "perimeter": sizes.perimeter,
    "circularity": sizes.circularity,
    "maximum_width": sizes.maximum_width,
    "diameter": sizes.diameter,
    "length": sizes.length,
    "moments": sizes.moments,
    "histogram": textures.histogram,
    "radial_profile": profiles.radial_profile,
    "edge_profile": profiles.edge_profile,
    "signal_to_noise": profiles.signal_to_noise,
    "segmentation_variance": textures.segmentation_variance,
    "edge_profile_spread": profiles.edge_profile_spread,
    "shape": shapes.shape,
    "outline": shapes.outline_harmonics,
    "intensity": textures.intensity,
    "texture": textures.texture,
    "symmetry": profiles.angular_harmonics,
}
