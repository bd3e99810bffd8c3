"""Particles of RELION and cryoSPARC: a STAR that names frames of MRC stacks."""

from pathlib import Path

import numpy as np
import pandas as pd

from ..particles._contents import as_floats, check_pixel_sizes
from ._disks import check_diameters, make_disks
from ._stacks import read_frames
from ._star_text import (
    describe_blocks,
    format_field,
    format_table,
    read_star,
    split_fields,
)
from ._tables import rename_columns

_ANGSTROM_PER_NM = 10
_ANGSTROM_PER_MICROMETER = 1e4
_IMAGE, _MICROGRAPH = "rlnImageName", "rlnMicrographName"
_GROUP, _PIXEL_SIZE = "rlnOpticsGroup", "rlnImagePixelSize"
_DETECTOR, _MAGNIFICATION = "rlnDetectorPixelSize", "rlnMagnification"
_CLASS, _PROBABILITY = "sklipoClass", "sklipoProbability"
# The columns by which `write_star` finds the rows again.
_PLACE = ["star", "star_row", _IMAGE]
_MADE_HERE = {"image", "mask", "mask_diameter", "star", "star_row"}


def is_star_file(path):
    """Tell by its name whether a path leads to a STAR."""
    return path.suffix.lower() == ".star" and not path.is_dir()


def load_star(path, columns, *, root, mask_diameter, **reading):
    """Return the particle table of a STAR; the masks are disks of so many nm.

    ``reading`` is max_pixels, n_jobs and verbose.
    """
    try:
        table = _read_rows(path, columns, mask_diameter)
    except ValueError as error:
        raise ValueError(f"{str(path)!r} can't be read: {error}") from error
    file = path.resolve()
    folders = file.parents if root is None else [Path(root)]
    names = table.pop("image").tolist()
    images = read_frames(names, folders, str(path), **reading)
    particles = pd.DataFrame({"image": images})
    if mask_diameter is not None:
        diameters = mask_diameter / table["pixel_size"].to_numpy()
        check_diameters(str(path), mask_diameter, diameters, images.shapes)
        particles["mask"] = make_disks(images.shapes, diameters)
        table["mask_diameter"] = float(mask_diameter)
    # Each row of a text would hold a copy of it.
    table["star"] = pd.Categorical([str(file)] * len(table))
    table["star_row"] = np.arange(len(table))
    return pd.concat([particles, table], axis=1)


def write_star(results, path):
    """Write the rows of the STAR that particles come from, with their classes.

    All else in the STAR stays as it is, and so do the stacks.
    """
    particles = results.particles
    source = _find_source(particles)
    try:
        lines, blocks = read_star(source)
        block = _find_block(blocks)
    except ValueError as error:
        raise ValueError(f"{str(source)!r} can't be read: {error}.") from error
    _check_unchanged(particles, block.as_frame(), source)
    new = {_CLASS: [format_field(str(label)) for label in results.y_pred]}
    if results.confidence is not None:
        new[_PROBABILITY] = [f"{number:.6f}" for number in results.confidence]
    kept = [i for i, name in enumerate(block.columns) if name not in new]
    names = [*(block.columns[i] for i in kept), *new]
    rows = [split_fields(block.rows[int(row)]) for row in particles["star_row"]]
    lines[block.lines] = format_table(
        names,
        [
            [*(row[i] for i in kept), *values]
            for row, values in zip(rows, zip(*new.values(), strict=True), strict=True)
        ],
    )
    path.write_text("\n".join([*lines, ""]), encoding="utf-8", newline="\n")


def _read_rows(path, columns, mask_diameter):
    """Return the rows of the particles, with the columns that sklipo reads."""
    _, blocks = read_star(path)
    table = _find_block(blocks).as_frame()
    names = {columns.get(name, name) for name in table}
    taken = sorted(_MADE_HERE & names)
    if taken:
        raise ValueError(
            f"columns {taken}, which sklipo adds to the rows of a STAR; give them "
            "other names, by columns={}"
        )
    if _MICROGRAPH in table and "micrograph" not in names:
        columns = {_MICROGRAPH: "micrograph"} | columns
    sizes = None if "pixel_size" in names else _find_pixel_sizes(table, blocks)
    if sizes is not None:
        table.insert(0, "pixel_size", sizes)
    table = rename_columns(table.assign(image=table[_IMAGE]), columns)
    if "pixel_size" in table:
        sizes = check_pixel_sizes(table["pixel_size"], "row {}".format)
        return table.assign(pixel_size=sizes)
    if mask_diameter is None:
        return table
    raise ValueError(
        f"it tells no pixel size, which mask_diameter={mask_diameter} nm needs; add "
        f"{_PIXEL_SIZE} (Angstrom), or pass columns={{name: 'pixel_size'}} if a column "
        "holds nm per pixel."
    )


def _find_block(blocks):
    """Return the table of particles."""
    found = [block for block in blocks.values() if _IMAGE in block.columns]
    if not found:
        raise ValueError(_describe_lack_of_images(blocks))
    # RELION names it particles, or images; refinements add tables of other names.
    block = blocks.get("particles", found[0])
    block = block if block in found else found[0]
    if not block.rows:
        raise ValueError(f"no particles, data_{block.name} has no rows")
    return block


def _describe_lack_of_images(blocks):
    """Say what a STAR without names of images seems to be."""
    if any("rlnCoordinateX" in block.columns for block in blocks.values()):
        return (
            f"no column {_IMAGE}, but coordinates: pass them with the micrograph to "
            "extract_particles(micrograph, path, box=...)"
        )
    return f"no column {_IMAGE} in {describe_blocks(blocks) or 'an empty file'}"


def _find_pixel_sizes(table, blocks):
    """Return the nm per pixel of each row, None if the STAR does not tell.

    That of the boxes goes first: they may be smaller than they were picked.
    """
    if _PIXEL_SIZE not in table:
        optics = _find_optics(table, blocks)
        if optics is not None:
            table = table.assign(**{name: optics[name].array for name in optics})
    if _PIXEL_SIZE in table:
        angstrom = _as_numbers(table[_PIXEL_SIZE])
    elif {_DETECTOR, _MAGNIFICATION}.issubset(table.columns):
        micrometers = _as_numbers(table[_DETECTOR])
        angstrom = (
            micrometers / _as_numbers(table[_MAGNIFICATION]) * _ANGSTROM_PER_MICROMETER
        )
    else:
        return None
    return angstrom / _ANGSTROM_PER_NM


def _find_optics(table, blocks):
    """Return the optics that belong to each row, None if there are none."""
    optics = blocks["optics"].as_frame() if "optics" in blocks else pd.DataFrame()
    if _GROUP not in table and len(optics) < 2:
        return optics.iloc[[0] * len(table)] if len(optics) else None
    if _GROUP not in table:
        raise ValueError(f"no column {_GROUP} says which of data_optics a row is of")
    if _GROUP not in optics:
        raise ValueError(
            f"a column {_GROUP}, but no table data_optics of these; take it from the "
            f"STAR of the same job, or add a column {_PIXEL_SIZE} (Angstrom)"
        )
    optics = optics.set_index(_GROUP)
    if not optics.index.is_unique:
        twice = optics.index[optics.index.duplicated()][0]
        raise ValueError(f"data_optics has the group {twice} twice, expected once")
    places = optics.index.get_indexer(table[_GROUP])
    if (places < 0).any():
        i = np.argmin(places)
        raise ValueError(
            f"row {i}: the optics group {table[_GROUP].iloc[i]} is not among those of "
            f"data_optics, {list(optics.index)}"
        )
    return optics.iloc[places]


def _as_numbers(column):
    """Return a column of numbers above 0; errors name the row."""
    numbers = as_floats(column)
    bad = np.flatnonzero(~((numbers > 0) & np.isfinite(numbers)))
    if bad.size:
        raise ValueError(
            f"row {bad[0]}: {column.name} is {column.tolist()[bad[0]]!r}, expected a "
            "number above 0"
        )
    return numbers


def _find_source(particles):
    """Return the path of the one STAR that particles come from."""
    if not len(particles):
        raise ValueError(
            "There are no particles to write, and a STAR without rows can't be read; "
            "was the class of only= never predicted?"
        )
    lacking = [name for name in _PLACE if name not in particles]
    if lacking:
        raise ValueError(
            f"a STAR is written for particles that load_particles read from one; these "
            f"lack the columns {lacking}"
        )
    sources = particles["star"].unique().tolist()
    if len(sources) != 1 or not isinstance(sources[0], str):
        raise ValueError(
            f"the column 'star' of the particles holds {sources[:3]}, expected the "
            "path of one STAR; save those of each by itself"
        )
    if not Path(sources[0]).is_file():
        raise FileNotFoundError(
            f"There is no file {sources[0]!r}, which the particles were read from; "
            "correct the column 'star' if it has moved."
        )
    return Path(sources[0])


def _check_unchanged(particles, table, source):
    """Raise an error unless the rows of a STAR name the images that were read."""
    rows = pd.to_numeric(particles["star_row"], errors="coerce").to_numpy(float)
    is_row = np.isin(rows, np.arange(len(table)))
    found = table[_IMAGE].to_numpy()[np.where(is_row, rows, 0).astype(int)]
    # As text, since a missing value of pandas equals nothing, not even another text.
    expected = particles[_IMAGE].astype(str).to_numpy()
    changed = np.flatnonzero(~(is_row & (found == expected)))
    if changed.size:
        i = changed[0]
        has = repr(found[i]) if is_row[i] else f"none of its {len(table)} rows"
        raise ValueError(
            f"Row {rows[i]:g} of {str(source)!r} is {has}, expected {expected[i]!r}: "
            "it has changed since it was read; load it again."
        )
