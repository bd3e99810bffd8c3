"""Crop, mask and resize: sklipo's transformers, and scikit-image by hand."""

import numpy as np
from skimage.measure import regionprops
from skimage.transform import resize
from sklearn.pipeline import make_pipeline

from benchmarks._particles import draw_particles
from benchmarks._timing import compare
from sklipo import ApplyMask, CropToMask, Resize

N_PARTICLES, SIDE = 1000, 28


def main():
    particles = draw_particles(N_PARTICLES)[["image", "mask"]]
    images, masks = list(particles["image"]), list(particles["mask"])
    prepare = make_pipeline(CropToMask(), ApplyMask(), Resize(SIDE)).fit(particles)

    def by_hand(crop_and_mask):
        cropped = map(crop_and_mask, images, masks)
        return np.array([shrink(image).ravel() for image in cropped])

    # Averages over a pixel of the result, and over a Gaussian as wide: alike.
    found, expected = prepare.transform(particles), by_hand(box_of_mask)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99
    ways = {
        "by hand, scikit-image": lambda: by_hand(box_of_region),
        "by hand, the box by NumPy": lambda: by_hand(box_of_mask),
        "sklipo": lambda: prepare.transform(particles),
    }
    title = f"Crop, mask and resize {N_PARTICLES} particles to {SIDE} px, each"
    compare(title, ways, n_items=N_PARTICLES, unit="us")


def box_of_mask(image, mask):
    """Return the bounding box of a mask, black outside the mask."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return image[box] * mask[box]


def box_of_region(image, mask):
    """Return the same by scikit-image."""
    return regionprops(mask.view(np.uint8), image)[0].image_intensity


def shrink(image):
    """Resize an image as scikit-image advises to shrink one."""
    return resize(image, (SIDE, SIDE), anti_aliasing=True).astype(np.float32)
