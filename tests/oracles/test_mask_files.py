"""Masks on disk are read by other programs as they were found."""

import cv2
import imagecodecs
import numpy as np
import pytest

from lamella.study.mask_png import mask_png


def drawn(height, width):
    mask = np.zeros((height, width), np.bool_)
    mask[height // 4 :, width // 3 : width - 1] = True
    mask[np.random.default_rng(3).random(mask.shape) < 0.01] ^= True
    return mask


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (301, 40)], ids=str)
def test_opencv_and_libpng_read_the_mask_that_was_written(shape):
    mask = drawn(*shape)
    png = mask_png(mask)
    by_opencv = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    by_libpng = imagecodecs.png_decode(png)
    for picture in (by_opencv, by_libpng):
        assert picture.dtype == np.uint8
        assert np.array_equal(picture, np.where(mask, 255, 0))


def test_a_mask_without_zlib_ng_is_the_same_to_its_reader(monkeypatch):
    mask = drawn(90, 70)

    def absent(*_, **__):
        raise ImportError

    monkeypatch.setattr(imagecodecs, "zlibng_encode", absent)
    assert np.array_equal(imagecodecs.png_decode(mask_png(mask)) > 0, mask)


def test_a_mask_takes_no_more_room_than_its_run_lengths_in_a_tiff():
    mask = np.zeros((1040, 1408), np.bool_)
    mask[:, 500:900] = True
    runs = imagecodecs.packbits_encode(mask.view(np.uint8))
    assert len(mask_png(mask)) < len(runs)
