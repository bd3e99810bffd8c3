"""Images of differing sizes as one pandas column: many images, one pixel buffer."""

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype, register_extension_dtype
from pandas.api.types import is_integer, is_list_like

from ._arrow import check_type, from_arrow
from ._buffer import is_missing, join, pack, pack_stack, view_image
from ._index import as_key, as_positions, take_index
from ._operations import ImageOperations
from ._storage import Buffer, ImageStorage


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
        check_type(array.type)
        cls = self.construct_array_type()
        chunks = [from_arrow(chunk) for chunk in getattr(array, "chunks", [array])]
        return cls._concat_same_type(
            [cls.from_buffer(*chunk) for chunk in chunks]
            or [cls.from_buffer(np.empty(0, array.type.pixel_dtype), [], [], [], [])]
        )


class ImageArray(ImageStorage, ImageOperations):
    """Images of differing sizes in one flat pixel buffer.

    An image is a start, a height, a width and a row stride into that buffer. Selecting,
    splitting, oversampling and cropping images copies no pixels, and worker processes
    map one buffer into memory instead of receiving copies.

    Parameters
    ----------
    images : sequence of 2-D array-like, or ndarray of shape (n_images, height, width)
        Integer, float or bool pixels, which become native in byte order; all images
        get the one dtype that can hold the pixels of each. ``None``, NaN and ``pd.NA``
        are missing images. A C-contiguous (n_images, height, width) array and the
        images of another ImageArray are used in place, the pixels of other input are
        copied once.
    copy : bool, default=False
        Copy the pixels that would be used in place, too.

    Attributes
    ----------
    pixels : ndarray of shape (n_pixels,)
        The read-only buffer. It may hold pixels of no image of this array.
    pixel_dtype : dtype
        Dtype of the pixels, in native byte order.
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

    Raises
    ------
    TypeError
        If an image is none, or its pixels are no real numbers.
    ValueError
        If an image is not 2-D, has no pixels or masked ones, or if integers beyond
        2**53 would lose digits beside images of another dtype.

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
    have no order of their own. pandas sorts the keys of a group or a merge by height,
    then width, then bytes, which is arbitrary but fixed.

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
        self._buffer, self._index = Buffer(pixels), index

    @classmethod
    def _from_sequence(cls, scalars, *, dtype=None, copy=False):
        # pandas 2 asks for a copy with each change of dtype. Images in an object array
        # need none: they are copied anyway, or lie in a buffer that never changes.
        is_object = isinstance(scalars, np.ndarray) and scalars.dtype == object
        return cls(scalars, copy=copy and not is_object)

    @classmethod
    def _concat_same_type(cls, to_concat):
        # Small parts of large buffers would otherwise take all pixels of these along.
        arrays = [array for array in to_concat if array.pixels.size] or to_concat[:1]
        if len({id(array.pixels) for array in arrays}) > 1:
            to_concat = [array._trimmed() for array in to_concat]
        pixels, index = join(
            [a.pixels for a in to_concat], [a._index for a in to_concat]
        )
        return cls._new(Buffer(pixels), index)

    @property
    def dtype(self):
        """The pandas dtype."""
        return ImageDtype()

    def __getitem__(self, item):
        """Return one image or, by slice, mask or positions, several."""
        if not is_integer(item):
            item = as_key(self, item)
        if is_integer(item):
            try:
                place = self._index[item].tolist()
            # Of an integer beyond 64 bits NumPy says that it is none.
            except IndexError as error:
                size = len(self)
                message = f"index {item} is out of bounds for axis 0 with size {size}"
                raise IndexError(message) from error
            return view_image(self.pixels, *place)
        index = self._index[item]
        if not isinstance(item, slice):
            return self._select(index)
        # As in NumPy, assignments to a slice change the array, so both share a buffer.
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
        TypeError
            If a position is no whole number.
        """
        indices = as_positions(indices)
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
