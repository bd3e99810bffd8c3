"""How the bilayers of a vesicle look in projection, by distance across them."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ._shell_profiles import STEP

WAVELENGTH = 0.00251  # nm, of electrons at 200 kV
# Zero stands for an image without phase contrast.
DEFOCI = (0, 500, 800, 1100, 1400, 1700, 2000, 2300, 2600, 3000, 3500)  # nm
AMPLITUDE_CONTRAST = 0.25
BLUR = 0.6  # nm, standard deviation
HEAD = 1.0  # nm, thickness of a headgroup layer
TAIL = -0.25  # density of the tails, that of the heads being 1
CORE = 80.0  # nm, thickness of what stands for a core without end

HALF = 256  # steps, up to which responses are tabulated on either side
_FINE = 0.1  # nm, step of the transforms; they span 410 nm
_N_FINE = 4096
_FREQUENCY = np.fft.rfftfreq(_N_FINE, _FINE)  # per nm


class Bilayer(NamedTuple):
    """A kind of layer, and how it is imaged."""

    kind: str
    thickness: float  # nm
    defocus: float  # nm

    @property
    def curved(self):
        """Whether it is a shell in projection; otherwise it is a flat ring."""
        return self.kind != "ring"


def _all_bilayers():
    """Return the layers that are compared, grouped by kind and defocus."""
    thicknesses = {
        "heads": np.arange(3.5, 7, 0.5),
        "slab": np.arange(2, 9.5, 0.5),
        "ring": np.arange(2, 9.5, 0.5),
    }
    return tuple(
        Bilayer(kind, float(thickness), defocus)
        for kind, values in thicknesses.items()
        for defocus in (DEFOCI[:1] if kind == "ring" else DEFOCI)
        for thickness in values
    )


BILAYERS = _all_bilayers()
# What is as thick as this, or thicker, is no bilayer.
THICKEST = max(bilayer.thickness for bilayer in BILAYERS)


def _density(bilayer):
    """Return the Fourier transform of the density across a layer."""
    f, t = _FREQUENCY, bilayer.thickness
    if bilayer.kind == "ring":
        # A normal distribution's full width at half maximum is sqrt(8 log 2) sigma.
        return np.exp(-((np.pi * t * f) ** 2) / (4 * np.log(2)))
    if bilayer.kind == "slab":
        return t * np.sinc(t * f)
    heads = 2 * HEAD * np.sinc(HEAD * f) * np.cos(np.pi * f * (t - HEAD))
    tails = t - 2 * HEAD
    return heads + TAIL * tails * np.sinc(tails * f)


def _projection():
    """Return the transform that turns density by depth into that of a sphere's shells.

    A sphere of radius R has at depth d the chord 2 sqrt((2 R - d) d): the first factor
    changes slowly, and the second makes a half-integral.
    """
    factor = np.empty(len(_FREQUENCY), complex)
    factor[1:] = np.exp(-0.25j * np.pi) / np.sqrt(2 * _FREQUENCY[1:])
    factor[0] = 1.5 * factor[1]
    return factor


def _transfer(defocus):
    """Return the contrast transfer function of a microscope, here to be positive."""
    squared = _FREQUENCY**2
    damping = np.exp(-2 * (np.pi * BLUR) ** 2 * squared)
    if not defocus:
        return damping
    phase = np.pi * WAVELENGTH * defocus * squared
    damping *= np.exp(-((np.pi * 1e-4 * defocus) ** 2) * squared)
    phase_contrast = np.sqrt(1 - AMPLITUDE_CONTRAST**2) * np.sin(phase)
    return damping * (phase_contrast + AMPLITUDE_CONTRAST * np.cos(phase))


def _tabulate(transform, offsets):
    """Return values at offsets, scaled to a largest value of 1."""
    values = np.fft.fftshift(np.fft.irfft(transform, _N_FINE))
    grid = (np.arange(_N_FINE) - _N_FINE // 2) * _FINE
    table = np.interp(offsets, grid, values)
    return table / np.abs(table).max()


@lru_cache(maxsize=16)
def bilayer_responses(pixel):
    """Return the response to each bilayer, and to the face of a core in its place.

    Parameters
    ----------
    pixel : float
        Width of a pixel in nm.

    Returns
    -------
    bilayers, cores : ndarray of shape (n_bilayers, 2 * HALF)
        At the offsets (i - HALF + 0.5) * STEP from the outer face, in nm.
    """
    offsets = (np.arange(-HALF, HALF) + 0.5) * STEP
    sampling = np.sinc(_FREQUENCY * pixel) * np.sinc(_FREQUENCY * STEP)
    core = CORE * np.sinc(CORE * _FREQUENCY) * np.exp(-1j * np.pi * CORE * _FREQUENCY)
    bilayers, cores = [], {}
    for bilayer in BILAYERS:
        optics = sampling * _transfer(bilayer.defocus)
        if bilayer.curved:
            optics = optics * _projection()
        key = bilayer.curved, bilayer.defocus
        if key not in cores:
            cores[key] = _tabulate(optics * core, offsets)
        inward = np.exp(-1j * np.pi * bilayer.thickness * _FREQUENCY)
        bilayers.append(_tabulate(optics * inward * _density(bilayer), offsets))
    return np.array(bilayers), np.array([cores[b.curved, b.defocus] for b in BILAYERS])
