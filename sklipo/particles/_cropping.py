"""Particles cropped to boxes around their masks."""

import cv2
import numpy as np


def bounding_boxes(masks):
    """Return the first row and column of each mask, and the first ones beyond it.

    ``masks`` is an ImageArray of bool; both results have the shape (n_masks, 2).
    """
    # OpenCV knows no bool; a view as bytes copies nothing.
    flags = masks.with_pixels(masks.pixels.view(np.uint8))
    boxes = np.array([cv2.boundingRect(flag) for flag in flags]).reshape(-1, 4)
    starts = boxes[:, 1::-1]
    return starts, starts + boxes[:, :1:-1]


def crop_particles(particles, starts, ends, margins):
    """Crop image and mask of each particle to a box, without a copy of pixels.

    ``margins`` are pixels kept around the boxes, as far as the images have them: a
    number, or an array of shape (n_particles, 1).
    """
    images, masks = particles["image"].array, particles["mask"].array
    starts = np.maximum(starts - margins, 0)
    sizes = np.minimum(ends + margins, images.shapes) - starts
    box = (*starts.T, *sizes.T)
    return particles.assign(image=images.crop(*box), mask=masks.crop(*box))
