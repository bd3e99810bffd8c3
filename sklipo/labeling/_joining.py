"""Rows of a file of labels find their particles, and each particle its label."""

from collections import defaultdict

import pandas as pd

from ..datasets._complaints import N_LISTED, list_first
from ._identity import PLACE
from ._label_files import describe_row, loosely

_NEW_SEGMENTATION = (
    "If the particles were segmented anew, read the labels into the old table, and let "
    "match_particles carry them over"
)


def index_places(known):
    """Return the row of each place of a table, in which a place occurs once."""
    by_place = {}
    for i, place in enumerate(_places(known)):
        if place in by_place:
            raise ValueError(
                f"particles has micrograph {place[0]!r} and instance {place[1]!r} in "
                f"rows {by_place[place]} and {i}; expected each particle once. Drop "
                "one of them, or name its instance anew."
            )
        if place is not None:
            by_place[place] = i
    return by_place


def find_particles(rows, known, by_place):
    """Return a table of pairs: ``row`` of the file, ``particle`` of the table.

    A row goes by its place. One whose place is not in the table goes by its pixels, to
    all particles that have these and that no other row names by place: spreadsheets
    change names that look like dates, but not the pixels' hash.
    """
    known_pixels = known["pixels"].tolist()
    named = _name_particles(rows, known, by_place)
    taken, by_pixels = set(named), defaultdict(list)
    for i, pixels in enumerate(known_pixels):
        if i not in taken:
            by_pixels[pixels].append(i)
    pairs, lost, changed = [], [], []
    for i, (particle, pixels) in enumerate(zip(named, rows["pixels"], strict=True)):
        if particle is None:
            alike = by_pixels[pixels]
            pairs += [(i, twin) for twin in alike]
            if not alike:
                lost.append(i)
        elif known_pixels[particle] == pixels:
            pairs.append((i, particle))
        else:
            changed.append(i)
    _refuse_others(rows, lost, changed)
    return pd.DataFrame(pairs, columns=["row", "particle"])


def choose_labels(rows, pairs, expert):
    """Return the pairs that label a particle, each once, with the columns of the rows.

    Of rows that give the same label, that of the latest time counts.
    """
    given = pairs.join(rows, on="row")
    if expert is not None:
        _check_expert(expert, rows["expert"])
        given = given[given["expert"] == expert]
    given = given[given["label"].notna()]
    # By the expert, too, as the order of the rows in the file must not matter.
    given = given.sort_values(
        ["particle", "time", "expert", "row"], na_position="first", ignore_index=True
    )
    _refuse_disagreement(rows, given)
    return given.drop_duplicates("particle", keep="last")


def _name_particles(rows, known, by_place):
    """Return the particle at the place of each row, None where there is none.

    Spreadsheets write 7 for 007 or 7.0: the same numbers are the same place if the
    pixels are the same, too, and no other particle has both.
    """
    places = _places(rows)
    named = [by_place.get(place) for place in places]
    if None not in named:
        return named
    alike, known_pixels = defaultdict(list), known["pixels"].tolist()
    for place, particle in by_place.items():
        alike[(*map(loosely, place), known_pixels[particle])].append(particle)
    for i, (place, pixels) in enumerate(zip(places, rows["pixels"], strict=True)):
        if named[i] is None and place is not None:
            found = alike.get((*map(loosely, place), pixels), [])
            named[i] = found[0] if len(found) == 1 else None
    return named


def _places(rows):
    """Return the place of each row, None where it is not known."""
    if not set(PLACE) <= set(rows):
        return [None] * len(rows)
    pairs = zip(*(rows[name] for name in PLACE), strict=True)
    return [pair if all(pair) else None for pair in pairs]


def _refuse_others(rows, lost, changed):
    """Raise an error for rows whose particle is not in the table."""

    def listed(some):
        return list_first([describe_row(rows, i) for i in some], N_LISTED)

    if changed:
        raise ValueError(
            f"{len(changed)} of {len(rows)} rows name particles whose pixels are "
            f"others in the table: {listed(changed)}. Pass the table that label_page "
            "got, neither cropped nor normalized since. If columns of the file were "
            f"sorted one by one, take the file that the page saved. {_NEW_SEGMENTATION}"
        )
    if lost:
        raise ValueError(
            f"{len(lost)} of {len(rows)} rows are of particles that are not in the "
            f"table: {listed(lost)}. Pass the table that label_page got, with all of "
            "its rows, neither cropped nor normalized since; select and change them "
            f"afterwards. {_NEW_SEGMENTATION}"
        )


def _check_expert(expert, experts):
    """Raise an error unless an expert is in the file."""
    names = sorted(set(experts) - {""})
    if expert not in names:
        raise ValueError(f"no row is of the expert {expert!r}; there are {names}")


def _refuse_disagreement(rows, given):
    """Raise an error where two rows give one particle different labels."""
    codes, _ = pd.factorize(given["label"])
    same = given["particle"] == given["particle"].shift()
    differ = same & (pd.Series(codes, given.index).diff() != 0)
    if not differ.any():
        return
    second = given.index[differ][0]
    one, other = given.loc[[second - 1, second]].to_dict("records")
    names = sorted(set(rows["expert"]) - {""})
    is_one = one["expert"] == other["expert"]
    hint = "Delete one of these rows" if is_one else f"Pass as expert one of {names}"
    told = [
        f"the label {row['label']!r} by {row['expert'] or 'nobody'!r}"
        for row in (one, other)
    ]
    raise ValueError(
        f"{describe_row(rows, one['row'])} has {told[0]}, and "
        f"{describe_row(rows, other['row'])}, of the same particle, has {told[1]} "
        f"({differ.sum()} such in all). {hint}"
    )
