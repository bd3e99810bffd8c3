"""Draw a scene as a cryo electron microscope shows it.

Density is relative to water: a lipid headgroup is 1, drug and hydrocarbon tails follow.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter

from ._noise import perlin_noise
from ._scenes import BILAYER_THICKNESS

HEAD_THICKNESS = 1.0  # nm: the middles of both headgroup layers lie 4 nm apart
TAIL_DENSITY = -0.25
WAVELENGTH = 0.00251  # nm, of electrons at 200 kV
ICE_ABSORPTION = 0.02  # per nm
FRINGE_REACH = 8  # nm, beyond which the microscope's point spread is negligible
SAMPLES_PER_PIXEL = 8
# Share of the beam that one unit of projected density removes at full transfer; a
# membrane seen edge on has some 20 units.
PHASE = 0.03


# Between what the conditions of a micrograph lie, and which could be drawn at all.
USUAL_RANGES = {
    "defocus": (900, 2800),
    "dose": (300, 1200),
    "amplitude_contrast": (0.15, 0.35),
    "grain": (1.0, 2.5),
    "unevenness": (0.0, 0.04),
    "mean": (120, 160),
    "stretch": (200, 340),
    "bilayer_thickness": (BILAYER_THICKNESS, BILAYER_THICKNESS),
}
WIDEST_RANGES = {
    "defocus": (0, 10_000),
    "dose": (1, 1e6),
    "amplitude_contrast": (0, 1),
    "grain": (0, 100),
    "unevenness": (0, 1),
    "mean": (0, 255),
    "stretch": (1, 10_000),
    # Both headgroup layers at least, and no more than the tightest spacing.
    "bilayer_thickness": (2 * HEAD_THICKNESS, 6.5),
}


@dataclass(frozen=True)
class Imaging:
    """Conditions that the particles of one micrograph share."""

    defocus: float  # nm
    dose: float  # electrons per nm^2
    amplitude_contrast: float
    grain: float  # density of the ice's own structure
    unevenness: float
    tilt: tuple[float, float]  # of the ice's brightness, per nm
    mean: float  # gray level
    stretch: float  # gray levels for a full beam
    noise: float = 1.0  # factor on grain and shot noise
    bilayer_thickness: float = BILAYER_THICKNESS  # nm

    @classmethod
    def sample(cls, noise, rng, ranges=USUAL_RANGES):
        """Return the conditions of a micrograph at random."""
        imaging = cls(
            noise=noise,
            defocus=rng.uniform(*ranges["defocus"]),
            dose=np.exp(rng.uniform(*np.log(ranges["dose"]))),
            amplitude_contrast=rng.uniform(*ranges["amplitude_contrast"]),
            grain=rng.uniform(*ranges["grain"]),
            unevenness=rng.uniform(*ranges["unevenness"]),
            tilt=tuple(rng.normal(0, 2.5e-4, size=2)),
            mean=rng.uniform(*ranges["mean"]),
            stretch=rng.uniform(*ranges["stretch"]),
        )
        thinnest, thickest = ranges["bilayer_thickness"]
        if thinnest == thickest:
            # No draw, so that the usual micrographs stay as they were.
            return replace(imaging, bilayer_thickness=thinnest)
        return replace(imaging, bilayer_thickness=rng.uniform(thinnest, thickest))


def bilayer_projection(radius, vesicle_radius, thickness=BILAYER_THICKNESS):
    """Return the density that the beam meets at a radius of a spherical bilayer.

    The chord of a ball of radius a is 2 sqrt(a^2 - r^2); headgroups and tails are
    differences of balls.
    """
    faces = (0.0, HEAD_THICKNESS, thickness - HEAD_THICKNESS, thickness)
    steps = (1.0, TAIL_DENSITY - 1.0, 1.0 - TAIL_DENSITY, -1.0)
    total = np.zeros_like(radius)
    for face, step in zip(faces, steps, strict=True):
        ball = max(vesicle_radius - face, 0.0)
        total += step * 2 * np.sqrt(np.maximum(ball**2 - radius**2, 0))
    return total


def projected_density(scene, y, x, thickness=BILAYER_THICKNESS):
    """Return the density that the beam meets at each point, as float32."""
    density = np.zeros((len(y), len(x)), dtype=np.float32)
    for vesicle in scene.vesicles + scene.neighbors:
        _add_vesicle(density, vesicle, y, x, thickness)
    for content in scene.contents:
        rows, columns = _window(content.center, content.length / 2, y, x)
        path = content.thickness(y[rows, None], x[columns])
        density[rows, columns] += np.float32(content.density) * path
    return density


def _add_vesicle(density, vesicle, y, x, thickness):
    """Add the projection of a vesicle in place."""
    # The projection is looked up by depth, as it is the same all along the outline:
    # one table of a few hundred radii instead of square roots for each pixel.
    outline, pixel = vesicle.outline, y[1] - y[0]
    rows, columns = _window(outline.center, outline.reach + pixel, y, x)
    scale = SAMPLES_PER_PIXEL / pixel
    steps = np.arange(-SAMPLES_PER_PIXEL, outline.radius * scale + SAMPLES_PER_PIXEL)
    distance = np.maximum(outline.radius - steps / scale, 0)
    profile = np.zeros(len(steps))
    for depth, strength in zip(vesicle.depths, vesicle.densities, strict=True):
        vesicle_radius = outline.radius - depth
        profile += strength * bilayer_projection(distance, vesicle_radius, thickness)
    # A pixel averages over its width. Point sampling would miss or double thin faces.
    gather = np.full(SAMPLES_PER_PIXEL, 1 / SAMPLES_PER_PIXEL)
    profile = np.convolve(profile, gather, mode="valid").astype(np.float32)
    index = outline.depth(y[rows, None], x[columns]) * np.float32(scale)
    # Entry j is at depth (j - (SAMPLES_PER_PIXEL + 1) / 2) / scale; 1 / 2 is to round.
    index += SAMPLES_PER_PIXEL // 2 + 1
    np.clip(index, 0, len(profile) - 1, out=index)
    density[rows, columns] += profile.take(index.astype(np.intp))


def _window(center, reach, y, x):
    """Return the slices of the points within reach of a center."""
    return tuple(
        slice(*np.searchsorted(axis, (middle - reach, middle + reach)))
        for axis, middle in zip((y, x), center, strict=True)
    )


def contrast_transfer(frequency, defocus, amplitude_contrast, blur):
    """Return the beam's response to density at a spatial frequency (per nm).

    Weak-phase approximation without spherical aberration, which is negligible below
    one cycle per nm; beam divergence 0.1 mrad; ``blur`` in nm.
    """
    squared = frequency**2
    phase = np.float32(np.pi * WAVELENGTH * defocus) * squared
    damping = (np.pi * 1e-4 * defocus) ** 2 + 2 * (np.pi * blur) ** 2
    transfer = np.float32(np.sqrt(1 - amplitude_contrast**2)) * np.sin(phase)
    transfer += np.float32(amplitude_contrast) * np.cos(phase)
    # Far out of focus nothing is left of the finest details, not even a float32.
    with np.errstate(under="ignore"):
        return -transfer * np.exp(np.float32(-damping) * squared)


def draw_projection(scene, imaging, y, x, rng):
    """Return gray levels and mask of a scene at the points y, x (nm)."""
    density = projected_density(scene, y, x, imaging.bilayer_thickness)
    density *= np.float32(scene.contrast)
    gray = _expose(density, scene.ice, scene.blur, imaging, y, x, rng)
    mask = np.zeros(gray.shape, dtype=bool)
    window, inside = outline_mask(scene.outline, y, x)
    mask[window] = inside
    return gray, mask


def draw_field(scenes, imaging, y, x, rng):
    """Return gray levels of many scenes in one field at the points y, x (nm)."""
    pixel = y[1] - y[0]
    density = np.zeros((len(y), len(x)), dtype=np.float32)
    for scene in scenes:
        # The beam meets one liposome after the other: what overlaps adds up.
        outline = scene.outline
        rows, columns = _window(outline.center, outline.reach + FRINGE_REACH, y, x)
        part = projected_density(scene, y[rows], x[columns], imaging.bilayer_thickness)
        part *= np.float32(scene.contrast)
        if scene.blur:
            part = gaussian_filter(part, scene.blur / pixel, mode="constant")
        density[rows, columns] += part
    ice = [blob for scene in scenes for blob in scene.ice]
    return _expose(density, ice, 0.0, imaging, y, x, rng)


def outline_mask(outline, y, x):
    """Return a window of the points, and which points of it an outline encloses."""
    rows, columns = _window(outline.center, outline.reach, y, x)
    return (rows, columns), outline.depth(y[rows, None], x[columns]) >= 0


def _expose(density, ice, blur, imaging, y, x, rng):
    """Return the gray levels of a projected density, which changes in place."""
    pixel = y[1] - y[0]
    if imaging.noise:
        grain = np.float32(imaging.noise * imaging.grain / pixel)
        density += grain * rng.standard_normal(density.shape, dtype=np.float32)
    beam = _through_microscope(density, imaging, pixel, blur)
    beam += _unevenness(imaging, y, x, rng)
    for blob in ice:
        rows, columns = _window(blob.center, blob.reach, y, x)
        path = _chord(blob, y[rows, None], x[columns])
        beam[rows, columns] *= np.exp(np.float32(-ICE_ABSORPTION) * path)
    if imaging.noise:
        beam = _shot_noise(beam, imaging.dose * pixel**2 / imaging.noise**2, rng)
    return np.float32(imaging.mean) + np.float32(imaging.stretch) * (beam - 1)


def _through_microscope(density, imaging, pixel, blur):
    """Return the share of the beam's electrons that arrive behind the density."""
    rows, columns = density.shape
    across = fft.fftfreq(rows, pixel).astype(np.float32)[:, None]
    along = fft.rfftfreq(columns, pixel).astype(np.float32)
    frequency = np.sqrt(across**2 + along**2)
    transfer = contrast_transfer(
        frequency, imaging.defocus, imaging.amplitude_contrast, 0.6 + blur
    )
    # What is left of the finest details is too little for a float32.
    with np.errstate(under="ignore"):
        wave = fft.rfft2(density) * transfer
        return 1 + np.float32(PHASE) * fft.irfft2(wave, s=density.shape)


def _unevenness(imaging, y, x, rng):
    """Return slow changes of brightness: a tilt, and ice of varying thickness."""
    slow = perlin_noise((len(y), len(x)), 120 / (y[1] - y[0]), rng)
    slow *= np.float32(imaging.unevenness)
    slow += (imaging.tilt[0] * y[:, None]).astype(np.float32)
    return slow + (imaging.tilt[1] * x).astype(np.float32)


def _chord(blob, y, x):
    """Return the beam's path through a body that is rounded like a ball."""
    depth = np.clip(blob.depth(y, x), 0, blob.radius)
    return 2 * np.sqrt(depth * (2 * blob.radius - depth))


def _shot_noise(beam, electrons, rng):
    """Add the noise of counting ``electrons`` in each pixel of the full beam."""
    # From some 20 electrons on, Poisson's law is close to a normal one of equal mean
    # and variance, which is drawn five times as fast.
    spread = np.sqrt(np.maximum(beam, 0) / np.float32(electrons))
    return beam + spread * rng.standard_normal(beam.shape, dtype=np.float32)
