"""The steps between a cut-out and what a model sees of it, in a graph."""

from dataclasses import dataclass, replace

import numpy as np

from ...own_size import ROUNDING
from ...transformers import LEAST_CONTRAST
from .measures.intensities import deviation_of, noise_level, positive_or_one
from .measures.particle import Particle


# Compared by identity: tensors are no numbers.
@dataclass(frozen=True, eq=False)
class Cutout:
    """A cut-out on its way through the steps of a pipeline.

    Parameters
    ----------
    image : Tensor of shape (height, width), dtype float32
        Its pixels.
    mask : Tensor of shape (height, width), dtype bool
        True inside the particle.
    is_raw : bool
        Whether the pixels still are on the scale of the image.
    input_mode : {"surrounding", "cropped", "masked"}
        How much of its surrounding is left, in the words of
        :func:`~sklipo.make_lipnet_pipeline`.
    """

    image: object
    mask: object
    is_raw: bool = True
    input_mode: str = "surrounding"

    def particle(self, op, pixel_size=None):
        """Return the particle for measuring."""
        return Particle(op, self.image, self.mask, pixel_size)


def normalize(op, cutout, scale):
    """Return the cut-out as differences from its background, in a unit."""
    if scale == "none":
        return cutout
    if scale == "noise":
        level, unit = noise_level(op, cutout.image, cutout.mask)
    else:
        level, unit = _contrast_level(op, cutout)
    image = op.single((op.double(cutout.image) - level) / unit)
    return replace(cutout, image=image, is_raw=False)


def _contrast_level(op, cutout):
    """Return the background of a particle, and its contrast or else another unit."""
    intensities = cutout.particle(op).intensities
    contrast, deviation = intensities.contrast, deviation_of(op, intensities.image)
    is_unit = ~op.isinf(contrast) & ~op.less(contrast, deviation * LEAST_CONTRAST)
    unit = op.where(is_unit, contrast, positive_or_one(op, deviation))
    return intensities.background, unit


def crop(op, cutout, margin):
    """Return the cut-out without what lies farther from the mask than a margin."""
    geometry = cutout.particle(op).geometry
    # As large as an image can be, a margin would overflow.
    margin = np.int64(min(margin, 2**40))
    start = op.max([geometry.start - margin, np.int64(0)])
    end = op.min([geometry.end + margin, op.shape(cutout.mask)])
    image, mask = (op.cut(x, start, end) for x in (cutout.image, cutout.mask))
    mode = "masked" if cutout.input_mode == "masked" else "cropped"
    return replace(cutout, image=image, mask=mask, input_mode=mode)


def fill_outside(op, cutout, value):
    """Return the cut-out with one value outside the mask."""
    filled = op.where(cutout.mask, cutout.image, op.constant(value, np.float32))
    return replace(cutout, image=filled, input_mode="masked")


def resize_to_row(op, cutout, size, *, white, keep_aspect_ratio, fill_value):
    """Return the pixels in another size as one row, in units of white."""
    image = cutout.image
    if keep_aspect_ratio:
        image = _resize_in_proportion(op, image, size, fill_value)
    else:
        image = resize(op, image, [np.int64(length) for length in size])
    if white != 1:
        image = op.min([image / float(white), 1.0])
    return op.reshape(image, [1, size[0] * size[1]])


def resize(op, image, shape):
    """Return an image in another height and width, each axis by its own rule."""
    down, across = (_weights(op, op.length(image, i), n) for i, n in enumerate(shape))
    return op.matmul(op.matmul(down, image), op.transpose(across, perm=[1, 0]))


def _resize_in_proportion(op, image, size, fill_value):
    """Return an image in the middle of a larger one, as large as fits."""
    size = np.array(size)
    shape = op.double(op.shape(image))
    factor = op.each_min(op.constant(size, np.float64) / shape)
    shape = op.integer(op.max([op.round(shape * factor), 1.0]))
    part = resize(op, image, [op.gather(shape, np.int64(i)) for i in range(2)])
    before = op.div(op.constant(size) - shape, np.int64(2))
    pads = op.concat([before, op.constant(size) - shape - before], axis=0)
    return op.pad(part, pads, np.float32(fill_value))


def _weights(op, n, n_new):
    """Return how much each of n pixels counts in each of n_new, which sum up to 1."""
    n, n_new = (
        op.double(op.constant(x) if isinstance(x, np.integer) else x)
        for x in (n, n_new)
    )
    old = op.unsqueeze(op.range(0.0, n, op.constant(1.0)), [0])
    new = op.unsqueeze(op.range(0.0, n_new, op.constant(1.0)), [1])
    step = n / n_new
    # Where an axis shrinks, a pixel is the mean over the length that it covers.
    overlap = op.min([(new + 1.0) * step, old + 1.0]) - op.max([new * step, old])
    area = op.max([overlap, 0.0]) / step
    # Where it grows, pixels are interpolated linearly, from middle to middle.
    place = op.min([op.max([(new + 0.5) * step - 0.5, 0.0]), n - 1.0])
    linear = op.max([1.0 - op.abs(place - old), 0.0])
    return op.single(op.where(op.greater(n, n_new), area, linear))


def own_size_images(op, cutout, classifier, pixel_size):
    """Return a batch of one particle at its own size, and what is inside of it."""
    image, mask = cutout.image, None
    if classifier.region == "mask":
        mask = op.single(cutout.mask)
    if pixel_size is not None:
        image, mask = _to_pixel_size(
            op, image, mask, pixel_size / classifier.pixel_size
        )
    if mask is None:
        mask = image * 0.0 + 1.0
    if classifier.white_ != 1:
        image = image / float(classifier.white_)
    pair = [op.unsqueeze(x, [0, 1]) for x in (image * mask, mask)]
    return op.concat(pair, axis=1)


def _to_pixel_size(op, image, mask, factor):
    """Return an image and what is inside with pixels of another size."""
    shape = op.max([op.round(op.double(op.shape(image)) * factor), 1.0])
    shape = [op.gather(op.integer(shape), np.int64(i)) for i in range(2)]
    if mask is None:
        return resize(op, image, shape), None
    weights = resize(op, mask, shape)
    # A particle of less than half a pixel is the pixel that has most of it.
    least = op.min([op.each_max(weights), 0.5]) - ROUNDING
    is_inside = op.greater_or_equal(weights, least)
    resized = resize(op, image * mask, shape)
    unit = op.where(is_inside, weights, weights * 0.0 + 1.0)
    return resized / unit, op.single(is_inside)
