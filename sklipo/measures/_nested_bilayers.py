"""Count bilayers that follow the outline of a particle, one within the other."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ._bilayers import BILAYERS, HALF, THICKEST, bilayer_responses
from ._shell_profiles import DEEPEST, N_SECTORS, OUTSIDE, STEP, shell_depths

# Depths in nm are those of outer faces.
_MISALIGNED, _DEEPEST_FIRST = 3.0, 4.0  # of the outermost, where masks are imprecise
_WINDOW = 7.0  # depth down to which the outermost bilayer is chosen by
_CLOSEST = 5.5  # from bilayer to bilayer
_CORE_AWAY = (3.0, 8.0)  # of a core from a bilayer, and from another core
_KNOTS = 15.0  # between the knots of the background
# Gaps between bilayers look like bilayers of the opposite sign: per nm that the
# outermost is away from the outline, it has to be that much stronger.
_NEARNESS = 0.1
_CORE_HANDICAP = 0.75  # the same for a core, which many bilayers resemble
_SOLID = 0.9  # score of a core, to that of a bilayer, from which on it may be one
_MOST = 9  # components
_ALIGNMENTS = 3  # at most, while they show more
# Decrease of the sum of squares, in variances, that is needed for the first component
# and for another, and of amplitudes to their standard errors over the directions.
_FIRST_GAIN, _GAIN = 50.0, 16.0
_CERTAIN, _SIGNIFICANT = 7.0, 4.0
_FAINTEST, _STRONGEST = 0.22, 3.0  # amplitude, to that of the outermost

_POSITIONS = np.arange(-_MISALIGNED, DEEPEST, STEP)
_CORES = slice(None, None, 2)  # positions where cores are looked for


class Nested(NamedTuple):
    """Bilayers that follow the outline, from outside in, in nm."""

    faces: np.ndarray
    thickness: float


_NONE = Nested(np.zeros(0), 0.0)


def find_nested(profiles):
    """Return the bilayers that follow the outline of a particle's ShellProfiles."""
    if not profiles.variance:
        return _NONE
    found = _find(profiles)
    return found if found.faces.size else _find(_recenter(profiles))


def _find(profiles):
    """Return the bilayers where the outline is right within some nanometers."""
    pixel = _round_pixel(profiles.pixel)
    chosen, thickness, core = _choose_bilayer(profiles.mean, pixel)
    design = _Design(profiles, chosen, pixel)
    if BILAYERS[chosen].thickness == THICKEST:
        return _NONE
    if core is not None and design.explains_less(_Design(profiles, core, pixel)):
        return _NONE
    columns, amplitudes = design.find(profiles.values)
    if not columns:
        return _NONE
    for _ in range(_ALIGNMENTS):
        values = design.align(profiles, columns, amplitudes)
        # Directions that were aligned to each other can only show more.
        again = design.find(values)
        if len(again[0]) <= len(columns):
            break
        columns, amplitudes = again
    return Nested(np.sort(design.depths[columns]), thickness)


def _recenter(profiles):
    """Return the profiles as if the outline was moved to where a bilayer shows best."""
    templates, slopes, _ = _outermost(_round_pixel(profiles.pixel))
    # Twice as many templates take twice as long, and cores look alike anywhere.
    templates = templates[: len(templates) // 2]
    angles = (np.arange(N_SECTORS) + 0.5) * (2 * np.pi / N_SECTORS)
    moves = np.arange(-_MISALIGNED, _MISALIGNED + 0.5)
    y, x = (part.reshape(-1, 1) for part in np.meshgrid(moves, moves))
    steps = np.rint((y * np.sin(angles) + x * np.cos(angles)) / STEP).astype(np.intp)
    window = np.arange(min(templates.shape[1], len(profiles.depths)))[:, np.newaxis]
    rows = np.clip(window + steps[:, np.newaxis], 0, len(profiles.depths) - 1)
    parts = profiles.values[rows, np.arange(N_SECTORS)].mean(axis=2).T
    parts = np.pad(parts, ((0, templates.shape[1] - len(parts)), (0, 0)), "edge")
    parts -= slopes @ (slopes.T @ parts)
    best = np.abs(templates @ parts).max(axis=0).argmax()
    return profiles.moved(steps[best])


def _round_pixel(pixel):
    """Return a pixel size to 5 %, so that few responses have to be computed."""
    return float(round(1.05 ** round(np.log(pixel) / np.log(1.05)), 4))


def _choose_bilayer(mean, pixel):
    """Return the bilayer that fits the outermost best, its thickness, and a core.

    The core is that which fits best, if it may be what is seen, or None.
    """
    templates, slopes, nearness = _outermost(pixel)
    part = mean[: templates.shape[1]]
    part = np.pad(part, (0, templates.shape[1] - len(part)), "edge")
    part = part - slopes @ (slopes.T @ part)
    scores = np.abs(templates @ part).reshape(2, len(BILAYERS), -1) * nearness
    bilayers, cores = scores.max(axis=2)
    best = int(bilayers.argmax())
    core = int(cores.argmax()) if cores.max() > _SOLID * bilayers[best] else None
    return best, _interpolate_thickness(bilayers, best), core


def _interpolate_thickness(scores, best):
    """Return the thickness where a parabola through the scores is highest."""
    kind, thickness, defocus = BILAYERS[best]
    around = BILAYERS[max(best - 1, 0) : best + 2]
    if len(around) < 3 or any((b.kind, b.defocus) != (kind, defocus) for b in around):
        return thickness
    low, middle, high = np.square(scores[best - 1 : best + 2])
    bend = max(2 * middle - low - high, 1e-12 * middle)
    return thickness + (around[2].thickness - thickness) * 0.5 * (high - low) / bend


@lru_cache(maxsize=16)
def _outermost(pixel):
    """Return templates near the outline, what they leave out, and their nearness."""
    depths = shell_depths(int((OUTSIDE + _WINDOW) / STEP))
    positions = np.arange(-_MISALIGNED, _DEEPEST_FIRST, STEP)
    slopes = np.linalg.qr(np.stack([np.ones_like(depths), depths], axis=1))[0]
    tables = np.stack(bilayer_responses(pixel))
    templates = tables[:, :, _offsets(depths, positions).T].reshape(-1, len(depths))
    templates -= (templates @ slopes) @ slopes.T
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    return templates, slopes, 1 - _NEARNESS * np.abs(positions)


def _offsets(depths, positions):
    """Return where in a table of responses the depths are, for faces at positions."""
    steps = (depths[:, np.newaxis] - positions) / STEP
    return np.floor(steps).astype(np.intp) + HALF


@lru_cache(maxsize=32)
def _responses(chosen, pixel):
    """Return responses to a bilayer and to a core at each position."""
    index = _offsets(shell_depths(int((OUTSIDE + DEEPEST) / STEP)), _POSITIONS)
    bilayer, core = (table[chosen] for table in bilayer_responses(pixel))
    return bilayer[index], core[index[:, _CORES]]


class _Design:
    """Responses to a bilayer or a core at each depth, freed from the background.

    The first ``n`` columns are bilayers, the others cores.
    """

    def __init__(self, profiles, chosen, pixel):
        self.counts, self.totals = profiles.counts, profiles.totals
        self.variance = profiles.variance
        weights = np.minimum(self.totals, 4 * np.median(self.totals)) / self.variance
        self.weights = np.sqrt(np.where(profiles.enough, weights, 0))
        n_shells, deepest = len(self.totals), max(profiles.depths[-1], 1.0)
        positions = _POSITIONS[_POSITIONS < deepest]
        self.n, cores = len(positions), positions[_CORES]
        self.depths = np.append(positions, cores)
        bilayers, faces = (part[:n_shells] for part in _responses(chosen, pixel))
        responses = np.hstack([bilayers[:, : self.n], faces[:, : len(cores)]])
        if BILAYERS[chosen].curved:
            # The chord at radius r of a ball of radius a has the factor sqrt(a + r).
            lengths = profiles.relative_lengths
            balls = np.interp(self.depths, profiles.depths, lengths)
            responses *= np.sqrt(0.5 * (lengths[:, np.newaxis] + balls))
        self.responses = responses
        weighted = _hats(profiles.depths) * self.weights[:, np.newaxis]
        self.background = np.linalg.qr(weighted)[0]
        columns = self._weigh(responses)
        norms = np.linalg.norm(columns, axis=0)
        self.norms = np.where(norms > 1e-6 * norms.max(), norms, np.inf)
        self.columns = columns / self.norms
        self.is_core = np.arange(len(self.depths)) >= self.n
        self.mean = self._weigh(profiles.mean[:, np.newaxis])[:, 0]
        self.closest = max(_CLOSEST, BILAYERS[chosen].thickness)

    def _weigh(self, values):
        """Return weighted values without what the background explains."""
        values = values * self.weights[:, np.newaxis]
        return values - self.background @ (self.background.T @ values)

    def explains_less(self, other):
        """Tell whether another design explains more, a core being the outermost."""
        mine = self._collect(self.mean, ~self.is_core)[1]
        return mine >= other._collect(other.mean, other.is_core)[1]

    def find(self, values):
        """Return which columns are bilayers of the values, and their amplitudes."""
        weighted = self._weigh(values)
        means = np.einsum("ds,ds->d", values, self.counts) / np.maximum(self.totals, 1)
        mean = self._weigh(means[:, np.newaxis])[:, 0]
        chosen, _ = self._collect(mean, ~self.is_core)
        return self._prune(chosen, mean, weighted)

    def _collect(self, mean, first):
        """Return columns that explain the mean, and what is left, with their price."""
        chosen, rest, sign = [], mean, 0.0
        open_ = ~self.is_core | (self.depths > _DEEPEST_FIRST)
        for _ in range(_MOST):
            fits = self.columns.T @ rest
            if chosen:
                strength = np.abs(fits) * np.where(self.is_core, _CORE_HANDICAP, 1)
                strength[~open_ | (~self.is_core & (fits * sign < 0))] = 0
            else:
                strength = np.abs(fits) * (1 - _NEARNESS * np.abs(self.depths))
                strength[~first | (self.depths >= _DEEPEST_FIRST)] = 0
            more = [*chosen, int(strength.argmax())]
            amplitudes = self._solve(more, mean)
            left = mean - self.columns[:, more] @ amplitudes
            if rest @ rest - left @ left < (_GAIN if chosen else _FIRST_GAIN):
                break
            if not chosen:
                sign = np.sign(amplitudes[0])
            chosen, rest = more, left
            open_ &= self._far_from(more[-1])
        return chosen, rest @ rest + _GAIN * len(chosen)

    def _far_from(self, chosen):
        """Tell which columns are far enough from a chosen one."""
        away = np.abs(self.depths - self.depths[chosen])
        core_away = _CORE_AWAY[int(self.is_core[chosen])]
        return away >= np.where(self.is_core, core_away, self.closest) - 1e-9

    def _solve(self, chosen, values):
        """Return the amplitudes of normalized columns that fit values best."""
        part = self.columns[:, chosen]
        return np.linalg.solve(_gram(part), part.T @ values)

    def _prune(self, chosen, mean, weighted):
        """Leave out bilayers, one by one, that are not certain."""
        while chosen:
            is_bilayer = ~self.is_core[chosen]
            if not is_bilayer.any():
                break
            amplitudes = self._solve(chosen, mean)
            spread = self._solve(chosen, weighted).std(axis=1, ddof=1)
            ratios = np.abs(amplitudes) * np.sqrt(N_SECTORS) / np.maximum(spread, 1e-12)
            gains = self._gains(chosen, amplitudes, mean)
            amplitudes = amplitudes / self.norms[chosen]
            outermost = np.where(is_bilayer, self.depths[chosen], np.inf).argmin()
            relative = np.abs(amplitudes / amplitudes[outermost])
            needed = np.full(len(chosen), _SIGNIFICANT)
            needed[outermost] = _CERTAIN
            bad = (ratios < needed) | (gains < _GAIN)
            bad |= (relative < _FAINTEST) | (relative > _STRONGEST)
            bad &= is_bilayer
            if not bad.any():
                kept = np.flatnonzero(is_bilayer)
                return [chosen[i] for i in kept], amplitudes[kept]
            del chosen[np.where(bad, ratios / needed, np.inf).argmin()]
        return [], np.zeros(0)

    def _gains(self, chosen, amplitudes, mean):
        """Return by how much more each column explains, in squared deviations."""
        part = self.columns[:, chosen]
        left = mean - part @ amplitudes
        # What the model cannot explain where a column is counts as noise.
        noise = np.maximum(np.square(part).T @ np.square(left), 1.0)
        return amplitudes**2 / np.diag(np.linalg.inv(_gram(part))) / noise

    def align(self, profiles, chosen, amplitudes):
        """Return the values, shifted and stretched in each direction to the model."""
        model = self.responses[:, chosen] @ amplitudes
        rest = (profiles.mean - model)[:, np.newaxis]
        values, weights = profiles.values, profiles.counts / self.variance
        for warp in (_shifts, _stretches):
            low, part, cost = warp(len(model))
            source = values - rest
            warped = source[low] * (1 - part) + source[low + 1] * part
            squares = (warped - model[:, np.newaxis, np.newaxis]) ** 2
            moved = weights[low]
            misfit = np.einsum("dws,dws->ws", moved, squares)
            # Warps differ in how many pixels they compare.
            misfit *= weights.sum(axis=0) / np.maximum(moved.sum(axis=0), 1e-9)
            misfit += cost[:, np.newaxis]
            # Neighboring directions differ little.
            misfit += 0.5 * (np.roll(misfit, 1, axis=1) + np.roll(misfit, -1, axis=1))
            best, sector = misfit.argmin(axis=0), np.arange(N_SECTORS)
            low, part = low[:, best], part[:, best, 0]
            values = values[low, sector] * (1 - part) + values[low + 1, sector] * part
        return values


def _gram(columns):
    """Return the products of columns, kept from being singular."""
    return columns.T @ columns + 1e-9 * np.eye(columns.shape[1])


def _hats(depths):
    """Return a basis of piecewise linear functions of depth."""
    knots = np.linspace(depths[0], depths[-1], int(np.ptp(depths) / _KNOTS) + 2)
    return np.maximum(
        1 - np.abs(depths[:, np.newaxis] - knots) / (knots[1] - knots[0]), 0
    )


@lru_cache(maxsize=64)
def _shifts(n_shells):
    """Return a warp for each shift, and its square in standard deviations of 1 nm."""
    moves = np.arange(-_MISALIGNED, _MISALIGNED + STEP / 2, STEP)
    return *_sources(shell_depths(n_shells)[:, np.newaxis] + moves), moves**2


@lru_cache(maxsize=64)
def _stretches(n_shells):
    """Return a warp for each stretch, and its square in standard deviations of 5 %."""
    stretches = np.linspace(-0.15, 0.15, 11)
    depths = shell_depths(n_shells)[:, np.newaxis]
    return *_sources(depths + np.maximum(depths, 0) * stretches), (
        stretches / 0.05
    ) ** 2


def _sources(depths):
    """Return the shell that each depth is in or beyond, and the part of the next."""
    n_shells = len(depths)
    position = np.clip((depths + OUTSIDE) / STEP - 0.5, 0, n_shells - 1)
    low = np.minimum(position.astype(np.intp), n_shells - 2)
    return low, (position - low)[:, :, np.newaxis]
