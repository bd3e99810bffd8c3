"""What counts as a mask: 0 outside of one particle, and one other number inside."""

import numpy as np

# Up to as many whole numbers can be labels of particles rather than shades of gray.
_MOST_LABELS = 32


def as_mask(pixels):
    """Return a mask of any type of numbers as bool, True inside the particle.

    Raises a ValueError, without the row, if the pixels are not 0 outside and one other
    number inside. A mask of one number alone is full, or empty where that is 0.
    """
    if pixels.dtype.kind == "b":
        return pixels
    if pixels.dtype.kind not in "iuf" or not is_mask(pixels):
        raise ValueError(_describe_fault(pixels))
    return pixels != 0


def is_mask(pixels):
    """Tell whether numbers are 0 and one other, or one alone.

    The pixels of many masks may be looked at together, in a few fast passes. Masks that
    are 1 inside and masks that are 255 inside are masks, too, but not together.
    """
    if not pixels.size:
        return True
    inside = pixels.max()
    if inside <= 0:
        inside = pixels.min()
    n_inside = np.count_nonzero(pixels == inside)
    return bool(
        np.isfinite(inside) and (not inside or np.count_nonzero(pixels) == n_inside)
    )


def looks_inverted(mask):
    """Tell whether a mask of bool seems True outside of the particle.

    Its corners and at least half of each side are True then, its middle is False. A
    ring or a C that is cropped closely has False corners or an open side, and a
    particle that is larger than its image covers the middle.
    """
    if not (mask[0, 0] and mask[0, -1] and mask[-1, 0] and mask[-1, -1]):
        return False
    y, x = mask.shape[0] // 2, mask.shape[1] // 2
    # A few pixels around the middle, as one pixel alone may be a hole.
    if mask[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].any():
        return False
    sides = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return all(2 * np.count_nonzero(side) >= len(side) for side in sides)


def _describe_fault(pixels):
    """Say why the pixels are no mask, and how they become one."""
    if pixels.dtype.kind not in "iuf":
        return f"has {pixels.dtype} pixels; expected bools, integers or floats."
    if not np.isfinite(pixels).all():
        return "has NaN or infinite pixels; expected 0 outside and 1 inside."
    levels = np.unique(pixels)
    low, high = (f"{level.item():.15g}" for level in levels[[0, -1]])
    if len(levels) == 2:
        return (
            f"has the numbers {low} and {high}; expected 0 outside of the particle. "
            f"Pass mask == {high} if that is inside, else mask == {low}."
        )
    # Half of each first, as the sum of two can overflow.
    middle = levels[0].item() / 2 + levels[-1].item() / 2
    middle = f"{middle:.3g}" if levels.dtype.kind == "f" else int(middle)
    found = (
        f"has {len(levels)} levels from {low} to {high}; expected two, 0 outside the "
        f"particle and another inside. Threshold it, as mask > {middle} does"
    )
    if len(levels) > _MOST_LABELS or (levels % 1).any():
        return f"{found}."
    return (
        f"{found}, or, if its numbers are labels of particles, pick one, as labels == "
        f"{high} does, or cut all of them out by sklipo.datasets.extract_particles."
    )
