"""Numbers of a report as text: formatted, never computed."""

import numpy as np

UNKNOWN = "\N{EN DASH}"
# Their spaces do not break.
PERCENT, _TO = "\N{NO-BREAK SPACE}%", "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}"


def as_percents(table, digits=1):
    """Return a table of shares as texts in percent with so many digits."""
    return as_numbers(100 * table, digits, PERCENT)


def as_numbers(table, digits, unit=""):
    """Return a table of numbers as texts with so many digits."""
    return table.map(
        lambda value: UNKNOWN if np.isnan(value) else f"{value:.{digits}f}{unit}"
    )


def as_intervals(low, high):
    """Return the texts of both ends of intervals as one text each."""
    return [
        UNKNOWN if UNKNOWN in pair else f"{pair[0].removesuffix(PERCENT)}{_TO}{pair[1]}"
        for pair in zip(low, high, strict=True)
    ]


def count_of(n_particles, n_groups):
    """Return the numbers of particles and of micrographs in words."""
    particles = plural(n_particles, "particle")
    if n_groups is None:
        return particles
    return f"{particles} on {plural(n_groups, 'micrograph')}"


def level_of(estimate):
    """Return the level of an estimate's intervals in percent."""
    return f"{100 * estimate.level:g}{PERCENT}"


def plural(n, noun):
    """Return a number and its noun."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
