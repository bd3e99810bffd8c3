import numpy as np


def assert_images_equal(array, images):
    assert len(array) == len(images)
    for result, image in zip(array, images, strict=True):
        np.testing.assert_array_equal(result, image)


def as_object_array(images):
    array = np.empty(len(images), object)
    array[:] = images
    return array
