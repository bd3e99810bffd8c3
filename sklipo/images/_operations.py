"""What pandas asks of a column of images, beyond storing and selecting them."""

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray, no_default
from pandas.api.types import is_integer, is_list_like

from ._arrow import to_arrow
from ._buffer import (
    as_buffer,
    as_images,
    copy_together,
    digest,
    image_bytes,
    is_missing,
    same_image,
)
from ._index import as_key, whole_numbers
from ._numbers import refuse_loss


class ImageOperations(ExtensionArray):
    """Comparing, grouping, filling and showing the images of an ``ImageArray``."""

    _readonly = False  # pandas sets it on the arrays it hands out, from pandas 3 on

    def __setitem__(self, key, value):
        """Replace images; their pixels are appended to a copy of the buffer."""
        if self._readonly:
            raise ValueError("Cannot modify read-only array")
        key = as_key(self, key)
        images = self._as_images(value)
        n_images = 1 if is_integer(key) else len(self._index[key])
        if len(images) not in (1, n_images):
            raise ValueError(f"cannot set {n_images} images to {len(images)} values")
        shared = images.pixels is self.pixels
        self._index[key] = images._index if shared else self._append(images)

    def _as_images(self, value):
        """Return an array of one image, missing image or sequence of images."""
        if isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype != object:
            value = [value]
        elif not is_list_like(value):
            value = [value]
        return type(self)(value)

    def _append(self, images):
        """Append the pixels of other images; return their index in this buffer."""
        images = images.compact()
        if self.pixels.size and not np.can_cast(images.pixel_dtype, self.pixel_dtype):
            raise TypeError(
                f"cannot hold {images.pixel_dtype} pixels in an array of "
                f"{self.pixel_dtype} without loss: convert them with "
                f"image.astype({str(self.pixel_dtype)!r}), or build a new ImageArray"
            )
        dtype = self.pixel_dtype if self.pixels.size else images.pixel_dtype
        refuse_loss(images.pixels, dtype)
        index = images._index.copy()
        index[index[:, 0] >= 0, 0] += self.pixels.size
        pixels = np.concatenate([self.pixels, images.pixels], dtype=dtype)
        self._buffer.pixels = as_buffer(pixels)
        return index

    def isna(self):
        """Return which images are missing.

        Returns
        -------
        ndarray of shape (n_images,)
            True where the image is missing.
        """
        return self.starts < 0

    def _spread(self, value):
        """Return one image per position from one image or as many as positions."""
        images = self._as_images(value)
        if len(images) not in (1, len(self)):
            raise ValueError(
                f"Length of values ({len(images)}) does not match length of index "
                f"({len(self)})"
            )
        return images.take(np.arange(len(self)) % max(len(images), 1))

    def _where(self, mask, value):
        result = self.copy()
        result._putmask(~mask, value)
        return result

    def _putmask(self, mask, value):
        self[mask] = self._spread(value)[mask]

    def fillna(self, value, **kwargs):
        """Return the images with the missing ones replaced.

        Parameters
        ----------
        value : 2-D array or sequence of images
            One image for all, or a sequence as long as the array.
        **kwargs
            ``limit`` and ``copy`` as in pandas.

        Returns
        -------
        ImageArray
            Images without missing ones.
        """
        if isinstance(value, np.ndarray) and value.ndim == 2:
            value = self._spread(value)
        return super().fillna(value, **kwargs)

    def _pad_or_backfill(self, *, method, limit=None, limit_area=None, copy=True):
        # The positions of images are filled as numbers are. pandas 2 would call fillna,
        # as it did in older versions, since it is overridden above.
        rows = pd.Series(np.where(self.isna(), np.nan, np.arange(len(self))))
        fill = rows.bfill if method in ("backfill", "bfill") else rows.ffill
        filled = fill(limit=limit, limit_area=limit_area).fillna(-1)
        return self.take(filled.to_numpy(np.intp), allow_fill=True)

    def shift(self, periods=1, fill_value=None):
        """Return the images moved by some positions.

        Parameters
        ----------
        periods : int, default=1
            Number of positions, negative to move towards the beginning.
        fill_value : 2-D array or missing, default=None
            Fills the positions that become empty.

        Returns
        -------
        ImageArray
            As many images.
        """
        positions = np.arange(len(self)) - whole_numbers(periods, "periods")
        inside = (positions >= 0) & (positions < len(self))
        positions = np.where(inside, positions, -1)
        return self.take(positions, allow_fill=True, fill_value=fill_value)

    def __eq__(self, other):
        """Return which images equal one image, or those of a sequence in turn."""
        if isinstance(other, pd.Series | pd.Index | pd.DataFrame):
            return NotImplemented
        is_image = isinstance(other, np.ndarray) and other.dtype != object
        if is_image or not is_list_like(other):
            other = [other] * len(self)
        if len(other) != len(self):
            raise ValueError(
                f"expected {len(self)} images to compare with, got {len(other)}"
            )
        pairs = zip(self, other, strict=True)
        return np.array([same_image(a, b) for a, b in pairs], dtype=bool)

    def __ne__(self, other):
        """Return which images differ; a missing image differs from all."""
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else ~equal

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        """Compare with a NumPy array on the left; images know no other ufunc."""
        if ufunc not in (np.equal, np.not_equal) or method != "__call__":
            return NotImplemented
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)

    def __array__(self, dtype=None, copy=None):
        """Return the images as an object array."""
        if dtype is not None and np.dtype(dtype) != object:
            raise TypeError(
                f"cannot convert images to dtype {np.dtype(dtype)}: "
                "resize them to one shape first"
            )
        if copy is False:
            raise ValueError("an object array of images is always a new one")
        result = np.empty(len(self), dtype=object)
        for row, image in enumerate(self):
            result[row] = image
        return result

    def __arrow_array__(self, type=None):
        """Return the images as an Arrow array, as pandas asks to write Parquet."""
        pixels, index = copy_together(as_images(self), self.pixel_dtype)
        return to_arrow(pixels, index[:, 1], index[:, 2])

    def to_numpy(self, dtype=None, copy=False, na_value=no_default):
        """Return the images as an object array.

        Parameters
        ----------
        dtype : dtype, default=None
            Nothing but object is possible.
        copy : bool, default=False
            Ignored: the array is always a new one, of views of the pixels.
        na_value : object, optional
            What stands for a missing image instead of ``pd.NA``.

        Returns
        -------
        ndarray of shape (n_images,)
            The images.
        """
        result = np.asarray(self, dtype=dtype)
        if na_value is not no_default:
            result[self.isna()] = na_value
        return result

    def duplicated(self, keep="first"):
        """Return which images occur earlier in the array.

        Parameters
        ----------
        keep : {"first", "last", False}, default="first"
            Which of equal images not to mark.

        Returns
        -------
        ndarray of shape (n_images,)
            True for repeated images.
        """
        return pd.Series(self._digests()).duplicated(keep).to_numpy()

    def unique(self):
        """Return the images without repeats, in order of appearance.

        Returns
        -------
        ImageArray
            Different images.
        """
        return self[~self.duplicated()]

    def isin(self, values):
        """Return which images are among others.

        Parameters
        ----------
        values : sequence of images
            What to look for.

        Returns
        -------
        ndarray of shape (n_images,)
            True where the values hold an equal image; missing images equal each other.
        """
        both = self._concat_same_type([self, self._as_images(values)])
        digests = pd.Series(both._digests())
        return digests[: len(self)].isin(digests[len(self) :]).to_numpy()

    def value_counts(self, dropna=True):
        """Return how often each image occurs.

        Parameters
        ----------
        dropna : bool, default=True
            Leave missing images out.

        Returns
        -------
        Series
            Counts, indexed by the images.
        """
        codes, images = self.factorize(use_na_sentinel=dropna)
        counts = np.bincount(codes[codes >= 0], minlength=len(images))
        return pd.Series(counts, index=pd.Index(images), name="count", dtype="Int64")

    def _digests(self):
        """Return an object array of bytes that are equal for equal images."""
        digests = np.empty(len(self), dtype=object)
        for row, image in enumerate(self):
            digests[row] = None if is_missing(image) else digest(image)
        return digests

    def _values_for_factorize(self):
        return self._digests(), None

    @classmethod
    def _from_factorized(cls, values, original):
        row_of = {key: row for row, key in enumerate(original._digests())}
        rows = [-1 if key is None else row_of[key] for key in values]
        return original.take(rows, allow_fill=True)

    def _values_for_argsort(self):
        keys = [
            () if is_missing(image) else (*image.shape, image_bytes(image))
            for image in self
        ]
        rank_of = {key: rank for rank, key in enumerate(sorted(set(keys)))}
        return np.array([rank_of[key] for key in keys], dtype=np.intp)

    def _cast_pointwise_result(self, values):
        # NaN alone is a number, as from a measure of each image, and no missing image.
        if any(isinstance(value, np.ndarray) for value in values):
            return super()._cast_pointwise_result(values)
        return pd.Series(list(values), dtype=object).infer_objects().to_numpy()

    def _formatter(self, boxed=False):
        return describe


def describe(image):
    """Return the few characters that stand for an image in a table."""
    if is_missing(image):
        return str(pd.NA)
    return f"<{image.shape[0]}x{image.shape[1]} {image.dtype}>"
