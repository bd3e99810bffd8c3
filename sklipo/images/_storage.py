"""Where images lie: an index into one flat buffer of pixels."""

import numpy as np

from ._buffer import as_buffer, as_images, copy_together, read_only, view_each
from ._index import as_index, check_index, covers, crop_index
from ._numbers import check_pixels


class Buffer:
    """What arrays have in common that see each other's assignments.

    Arrays whose indices share memory share the Buffer too, as an assignment both
    writes to the index and replaces the pixels.
    """

    __slots__ = ("pixels",)

    def __init__(self, pixels):
        self.pixels = as_buffer(pixels)


class ImageStorage:
    """A buffer and an index into it, as ``_buffer`` and ``_index``; base of ImageArray.

    It knows nothing of pandas.
    """

    @classmethod
    def _new(cls, buffer, index):
        """Return the array of an index into a buffer."""
        array = object.__new__(cls)
        array._buffer, array._index = buffer, index
        return array

    def _select(self, index):
        """Return an independent array: a new index into the same pixels."""
        return self._new(Buffer(self.pixels), index)

    @classmethod
    def from_buffer(cls, pixels, starts, heights, widths, row_strides):
        """Return images that lie in a flat buffer, without a copy of native pixels.

        Parameters
        ----------
        pixels : ndarray of shape (n_pixels,)
            Contiguous buffer of integers, floats or bools. Pixels in another byte
            order than the processor's are copied into that.
        starts : array-like of shape (n_images,)
            Position of the first pixel of each image; -1 where it is missing.
        heights, widths : array-like of shape (n_images,)
            Shapes in pixels.
        row_strides : array-like of shape (n_images,)
            Distance in pixels from one row of an image to the next.

        Returns
        -------
        ImageArray
            The images.

        Raises
        ------
        TypeError
            If the buffer is no array of such pixels, or the places are no whole
            numbers.
        ValueError
            If the buffer is not flat, if an image does not lie in it, or if starts,
            heights, widths and row strides are not equally many.

        See Also
        --------
        crop : Cuts a rectangle out of each image.

        Examples
        --------
        >>> import numpy as np
        >>> from sklipo.images import ImageArray
        >>> micrograph = np.arange(20).reshape(4, 5)
        >>> images = ImageArray.from_buffer(micrograph.ravel(), [0, 7], [2, 2], [3, 2],
        ...                                 row_strides=[5, 5])
        >>> images[1]
        array([[ 7,  8],
               [12, 13]])
        """
        _check_buffer(pixels)
        index = as_index(starts, heights, widths, row_strides, pixels.size)
        return cls._new(Buffer(pixels), index)

    def with_pixels(self, pixels):
        """Return images that lie where these lie, in another buffer of equal size.

        Parameters
        ----------
        pixels : ndarray of shape (n_pixels,)
            As many pixels as the buffer of these images has, of any dtype.

        Returns
        -------
        ImageArray
            The images.

        Raises
        ------
        ValueError
            If an image does not lie in the buffer.

        See Also
        --------
        from_buffer : Takes any places in a buffer.

        Examples
        --------
        >>> import numpy as np
        >>> from sklipo.images import ImageArray
        >>> images = ImageArray([np.array([[3, 4]]), np.array([[0], [5]])])
        >>> images.with_pixels(images.pixels > 3)
        <ImageArray>
        [<1x2 bool>, <2x1 bool>]
        Length: 2, dtype: image
        """
        return self.from_buffer(pixels, *self._index.T)

    def _trimmed(self):
        """Return the array itself if it uses half of its buffer, else compacted."""
        used = covers(self._index, self.pixels.size)
        return self if used else self.compact()

    @property
    def pixels(self):
        """The buffer that holds the pixels."""
        return self._buffer.pixels

    @property
    def pixel_dtype(self):
        """Dtype of the pixels."""
        return self._buffer.pixels.dtype

    @property
    def starts(self):
        """Position of the first pixel of each image in the buffer."""
        return read_only(self._index[:, 0])

    @property
    def heights(self):
        """Number of rows of each image."""
        return read_only(self._index[:, 1])

    @property
    def widths(self):
        """Number of columns of each image."""
        return read_only(self._index[:, 2])

    @property
    def row_strides(self):
        """Distance from one row of an image to the next in the buffer."""
        return read_only(self._index[:, 3])

    @property
    def shapes(self):
        """Height and width of each image."""
        return read_only(self._index[:, 1:3])

    @property
    def nbytes(self):
        """Bytes of the pixels and the index of these images."""
        n_pixels = int((self.heights * self.widths).sum())
        return n_pixels * self.pixel_dtype.itemsize + self._index.nbytes

    def __len__(self):
        """Return the number of images."""
        return len(self._index)

    def __iter__(self):
        """Iterate over the images."""
        return view_each(self.pixels, self._index)

    def crop(self, tops, lefts, heights, widths):
        """Return a rectangle of each image, without a copy of the pixels.

        Parameters
        ----------
        tops, lefts : int or array-like of shape (n_images,)
            First row and column, in pixels of the image. Ignored where the image is
            missing, as are the sizes.
        heights, widths : int or array-like of shape (n_images,)
            Size of the rectangle in pixels.

        Returns
        -------
        ImageArray
            The cropped images.

        Raises
        ------
        TypeError
            If a position or size is no whole number.
        ValueError
            If a rectangle is empty or leaves its image.

        See Also
        --------
        CropToMask : Crops each particle of a table to its mask.

        Examples
        --------
        >>> import numpy as np
        >>> from sklipo.images import ImageArray
        >>> images = ImageArray([np.arange(12).reshape(3, 4)])
        >>> images.crop(1, 2, 2, 2)[0]
        array([[ 6,  7],
               [10, 11]])
        """
        return self._select(crop_index(self._index, tops, lefts, heights, widths))

    def compact(self):
        """Return the same images with a buffer that holds nothing else.

        The pixels follow each other in the order of the images; an image that occurs
        several times is stored once.

        Returns
        -------
        ImageArray
            The same images.

        See Also
        --------
        copy : Shares the buffer, as images never change.

        Examples
        --------
        >>> import numpy as np
        >>> from sklipo.images import ImageArray
        >>> images = ImageArray(np.zeros((1000, 20, 20)))[:3]
        >>> images.pixels.size, images.compact().pixels.size
        (400000, 1200)
        """
        # unique sorts the rows of the index; the images stay in their order.
        rows, first, inverse = np.unique(
            self._index, axis=0, return_index=True, return_inverse=True
        )
        order = np.argsort(first)
        distinct = self._select(rows[order])
        pixels, index = copy_together(as_images(distinct), self.pixel_dtype)
        return self._new(Buffer(pixels), index[np.argsort(order)[inverse]])

    def __reduce__(self):
        """Pickle the images, with their whole buffer if they use half of it."""
        # A few images of a large buffer would otherwise take all of it to each worker.
        array = self._trimmed()
        return _restore, (type(self), array.pixels, array._index)


def _check_buffer(pixels):
    """Raise an error unless an object is a flat array of pixels."""
    if not isinstance(pixels, np.ndarray):
        raise TypeError(
            f"expected the pixels as a NumPy array, got {type(pixels).__name__}"
        )
    check_pixels(pixels)
    if pixels.ndim != 1 or not pixels.flags.c_contiguous:
        raise ValueError("expected a flat, contiguous buffer: pass pixels.ravel()")


def _restore(cls, pixels, index):
    """Return the array that was pickled."""
    # A view into the buffer is made without a look at its limits, and a damaged pickle
    # would read the memory beyond.
    _check_buffer(pixels)
    is_index = isinstance(index, np.ndarray) and index.dtype.newbyteorder("=") == "i8"
    if not is_index or index.ndim != 2 or index.shape[1] != 4:
        raise ValueError(
            "expected an int64 array of the shape (n_images, 4) as places of images; "
            "the pickle is damaged or comes from another version of sklipo"
        )
    index = index.astype(np.int64, copy=False)
    check_index(index, pixels.size)
    return cls._new(Buffer(pixels), index)
