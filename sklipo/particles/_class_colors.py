"""Colors of classes that people with any color vision can tell apart."""

from itertools import cycle

# M. Okabe and K. Ito, "Color Universal Design", 2008. The colors that show best on
# white come first.
OKABE_ITO = (
    "#0072B2",  # blue
    "#E69F00",  # orange
    "#009E73",  # bluish green
    "#D55E00",  # vermilion
    "#56B4E9",  # sky blue
    "#CC79A7",  # reddish purple
    "#000000",  # black
    "#F0E442",  # yellow
)


def class_colors(classes):
    """Return a color for each class, in order; those of a ninth class on repeat."""
    return dict(zip(classes, cycle(OKABE_ITO), strict=False))
