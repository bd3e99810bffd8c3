"""Images of differing sizes as one pandas column: many images, one pixel buffer."""

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype, register_extension_dtype
from pandas.api.indexers import check_array_indexer
from pandas.api.types import is_integer, is_list_like

from ._arrow import from_arrow
from ._buffer import (
    MISSING,
    as_buffer,
    as_images,
    check_index,
    copy_together,
    covers,
    crop_index,
    is_missing,
    join,
    pack,
    pack_stack,
    read_only,
    take_index,
    view_each,
    view_image,
    without_ellipsis,
)
from ._operations import ImageOperations


@register_extension_dtype
class ImageDtype(ExtensionDtype):
    """The pandas dtype of a column of images, ``dtype="image"``.

    It has no parameters: the dtype of the pixels belongs to the array, see
    :attr:`ImageArray.pixel_dtype`.

    See Also
    --------
    ImageArray : The array of this dtype.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import sklipo
    >>> pd.Series([np.eye(3), np.ones((2, 4))], dtype="image")
    0    <3x3 float64>
    1    <2x4 float64>
    dtype: image
    """

    name = "image"
    type = np.ndarray
    kind = "O"
    na_value = pd.NA

    @classmethod
    def construct_array_type(cls):
        """Return the class of arrays of this dtype.

        Returns
        -------
        type
            ImageArray.
        """
        return ImageArray

    def __from_arrow__(self, array):
        """Return the images of an Arrow array, as pandas asks when it reads Parquet."""
        cls = self.construct_array_type()
        chunks = [from_arrow(chunk) for chunk in getattr(array, "chunks", [array])]
        return cls._concat_same_type(
            [cls.from_buffer(*chunk) for chunk in chunks]
            or [cls.from_buffer(np.empty(0, array.type.pixel_dtype), [], [], [], [])]
        )


class _Buffer:
    """What arrays have in common that see each other's assignments.

    Arrays whose indices share memory share the _Buffer too, as an assignment both
    writes to the index and replaces the pixels.
    """

    __slots__ = ("pixels",)

    def __init__(self, pixels):
        self.pixels = as_buffer(pixels)


class ImageArray(ImageOperations):
    """Images of differing sizes in one flat pixel buffer.

    An image is a start, a height, a width and a row stride into that buffer, so
    selecting, splitting, oversampling and cropping images copies no pixels, and
    worker processes map one buffer into memory instead of receiving copies.

    Parameters
    ----------
    images : sequence of 2-D array-like, or ndarray of shape (n_images, height, width)
        Integer, float or bool pixels; all images get the one dtype that can hold
        the pixels of each. ``None``, NaN and ``pd.NA`` are missing images. A
        C-contiguous (n_images, height, width) array and the images of another
        ImageArray are used in place, the pixels of other input are copied once.
    copy : bool, default=False
        Copy the pixels that would be used in place, too.

    Attributes
    ----------
    pixels : ndarray of shape (n_pixels,)
        The read-only buffer. It may hold pixels of no image of this array.
    pixel_dtype : dtype
        Dtype of the pixels.
    starts, heights, widths, row_strides : ndarray of shape (n_images,)
        Where the images lie in the buffer, in pixels: the first pixel, the shape, and
        the distance from one image row to the next. Start is -1 and the rest 0 where
        the image is missing.
    shapes : ndarray of shape (n_images, 2)
        Height and width of each image in pixels.
    nbytes : int
        Bytes of the pixels of these images and of their index. As for a view in NumPy,
        pixels that are shared with other arrays count and the remainder of the buffer,
        ``pixels.nbytes`` in all, does not.

    See Also
    --------
    ImageDtype : The dtype, ``"image"`` in pandas.
    load_particles : Reads a particle table with columns of images.

    Notes
    -----
    ``array[i]`` is a read-only 2-D view of the buffer, or ``pd.NA``. Assignment,
    ``array[i] = image``, appends the new pixels to a copy of the buffer and changes
    the index: nobody's pixels are ever written to, so ``copy`` copies the index
    alone. Assign many images at once rather than one by one.

    ``==`` tells which images are equal, in shape and every pixel; a NaN pixel equals
    a NaN pixel, and a missing image equals nothing. ``<`` is a TypeError, as images
    have no order of their own. Where pandas sorts the keys of a group or a merge, it
    gets a fixed arbitrary order: by height, then width, then bytes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.images import ImageArray
    >>> pixels = np.zeros((171, 158), np.uint8)
    >>> images = ImageArray([pixels, None, np.ones((2, 3), np.uint8)])
    >>> images
    <ImageArray>
    [<171x158 uint8>, <NA>, <2x3 uint8>]
    Length: 3, dtype: image
    >>> images[2]
    array([[1, 1, 1],
           [1, 1, 1]], dtype=uint8)
    >>> images[[2, 0]].shapes
    array([[  2,   3],
           [171, 158]])
    """

    def __init__(self, images, copy=False):
        if isinstance(images, pd.Series | pd.Index):
            images = images.array
        if isinstance(images, ImageArray):
            images = images.copy() if copy else images  # its pixels never change
            self._buffer, self._index = images._buffer, images._index
            return
        if isinstance(images, np.ndarray) and images.ndim == 3:
            pixels, index = pack_stack(images, copy)
        elif is_list_like(images):
            pixels, index = pack(images, copy)
        else:
            raise TypeError(
                f"expected a sequence of 2-D images, got {type(images).__name__}"
            )
        self._buffer, self._index = _Buffer(pixels), index

    @classmethod
    def _new(cls, buffer, index):
        """Return the array of an index into a buffer."""
        array = object.__new__(cls)
        array._buffer, array._index = buffer, index
        return array

    def _select(self, index):
        """Return an independent array: a new index into the same pixels."""
        return self._new(_Buffer(self.pixels), index)

    @classmethod
    def from_buffer(cls, pixels, starts, heights, widths, row_strides):
        """Return images that lie in a flat buffer, without a copy of the pixels.

        Parameters
        ----------
        pixels : ndarray of shape (n_pixels,)
            Contiguous buffer of integers, floats or bools.
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
        ValueError
            If the buffer is not flat or an image does not lie in it.

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
        if pixels.ndim != 1 or not pixels.flags.c_contiguous:
            raise ValueError("expected a flat, contiguous buffer: pass pixels.ravel()")
        if pixels.dtype.kind not in "biuf":
            raise TypeError(
                f"expected integer, float or bool pixels, got dtype {pixels.dtype}"
            )
        index = np.array([starts, heights, widths, row_strides], dtype=np.int64).T
        index[index[:, 0] < 0] = MISSING
        check_index(index, pixels.size)
        return cls._new(_Buffer(pixels), index)

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

    @classmethod
    def _from_sequence(cls, scalars, *, dtype=None, copy=False):
        return cls(scalars, copy=copy)

    @classmethod
    def _concat_same_type(cls, to_concat):
        arrays = [array for array in to_concat if array.pixels.size] or to_concat[:1]
        if len({id(array.pixels) for array in arrays}) > 1:
            to_concat = [array._trimmed() for array in to_concat]
        pixels, index = join(
            [a.pixels for a in to_concat], [a._index for a in to_concat]
        )
        return cls._new(_Buffer(pixels), index)

    def _trimmed(self):
        """Return the array itself if it uses half of its buffer, else compacted."""
        used = covers(self._index, self.pixels.size)
        return self if used else self.compact()

    @property
    def dtype(self):
        """The pandas dtype."""
        return ImageDtype()

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

    def __getitem__(self, item):
        """Return one image or, by slice, mask or positions, several."""
        if item is Ellipsis or isinstance(item, tuple):
            item = without_ellipsis(item)
        if is_integer(item):
            return view_image(self.pixels, *self._index[item].tolist())
        item = check_array_indexer(self, item)
        index = self._index[item]
        if not isinstance(item, slice):
            return self._select(index)
        view = self._new(self._buffer, index)
        view._readonly = self._readonly
        return view

    def take(self, indices, *, allow_fill=False, fill_value=None):
        """Return the images at some positions, without a copy of their pixels.

        Parameters
        ----------
        indices : array-like of int
            Positions.
        allow_fill : bool, default=False
            Whether -1 stands for ``fill_value`` instead of the last image.
        fill_value : 2-D array or missing, default=None
            What to fill with.

        Returns
        -------
        ImageArray
            As many images as indices.

        Raises
        ------
        IndexError
            If a position is out of bounds.
        """
        indices = np.asarray(indices, dtype=np.intp)
        if not len(self) and (indices >= 0).any():
            raise IndexError("cannot do a non-empty take from an empty axes.")
        if not allow_fill:
            return self._select(self._index.take(indices, axis=0))
        taken = self._select(take_index(self._index, indices))
        if not is_missing(fill_value):
            taken[indices == -1] = fill_value
        return taken

    def copy(self):
        """Return an independent array; it shares the pixels, which are never changed.

        Returns
        -------
        ImageArray
            The same images.
        """
        return self._select(self._index.copy())

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
        rows, first, inverse = np.unique(
            self._index, axis=0, return_index=True, return_inverse=True
        )
        order = np.argsort(first)
        distinct = self._select(rows[order])
        pixels, index = copy_together(as_images(distinct), self.pixel_dtype)
        return self._new(_Buffer(pixels), index[np.argsort(order)[inverse]])

    def __reduce__(self):
        """Pickle the images, with their whole buffer if they use half of it."""
        array = self._trimmed()
        return _restore, (array.pixels, array._index)


def _restore(pixels, index):
    """Return the array that was pickled."""
    return ImageArray._new(_Buffer(pixels), index)
