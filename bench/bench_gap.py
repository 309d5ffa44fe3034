"""How many megapixels a second does the gap take, after decoding and with its interval?"""

from __future__ import annotations

import sys
import time
import tracemalloc

import cv2
import numpy as np
import pytest

from lamella.vision.gap import find_gap

# Per core means processor time, which a busy machine does not stretch as it does the clock.
pytestmark = pytest.mark.benchmark(timer=time.process_time)


def rendered(height, width):
    """Tissue of blurred noise with a gap of 30 % of the field."""
    rng = np.random.default_rng(7)
    cells = rng.normal(size=(height, width)).astype(np.float32)
    cells = cv2.GaussianBlur(cells, (0, 0), height / 260)
    counts = 1000 + 60 * cells / cells.std()
    counts[:, int(0.35 * width) : int(0.65 * width)] = 1000
    return (counts + rng.normal(0, 2, counts.shape)).astype(np.float32)


def assert_gap_as_rendered(gap):
    assert gap.alone == "open"
    assert gap.area_px == pytest.approx(0.3 * gap.mask.size, rel=0.04)
    assert gap.low_px < 0.3 * gap.mask.size < gap.high_px


def full_size_calls(counts):
    """Names of the OpenCV functions that read or write a whole picture while its gap is found."""
    found: list[str] = []
    whole = 0.99 * counts.size  # less than a block may be left out at the edges

    def watched(name, function):
        def call(*arguments, **named):
            result = function(*arguments, **named)
            arrays = (*arguments, *(result if isinstance(result, tuple) else (result,)))
            if any(isinstance(each, np.ndarray) and each.size >= whole for each in arrays):
                found.append(name)
            return result

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in vars(cv2).copy():
            function = getattr(cv2, name)
            if type(function).__name__ == "builtin_function_or_method":
                patch.setattr(cv2, name, watched(name, function))
        find_gap(counts)
    return found


def peak_bytes(counts):
    """Most memory of all arrays together beyond the picture."""
    tracemalloc.start()
    find_gap(counts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def entropy_and_otsu(grey):
    """The gap by scikit-image, as guides for beginners find it."""
    filters = pytest.importorskip("skimage.filters")
    disk = pytest.importorskip("skimage.morphology").disk
    entropy = filters.rank.entropy(grey, disk(10))
    return entropy < filters.threshold_otsu(entropy)


def peer_seconds(counts):
    """Processor time of scikit-image for a megapixel of the same picture, in full."""
    grey = cv2.normalize(counts, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    grey = np.ascontiguousarray(grey[:1024, :1024])
    start = time.process_time()
    entropy_and_otsu(grey)
    return (time.process_time() - start) * counts.size / grey.size


@pytest.mark.parametrize("shape", [(1040, 1408), (2748, 3840)], ids=["1.5MP", "10.5MP"])
def test_gap_with_its_interval(benchmark, shape):
    counts = rendered(*shape)
    gap = benchmark(find_gap, counts)
    assert_gap_as_rendered(gap)
    if benchmark.stats:
        seconds = benchmark.stats.stats
        benchmark.extra_info |= {
            "megapixels_per_s": round(counts.size / 1e6 / seconds.min),
            "median_megapixels_per_s": round(counts.size / 1e6 / seconds.median),
            "times_entropy_and_otsu": round(peer_seconds(counts) / seconds.median, 1),
            "full_size_passes": len(full_size_calls(counts)),
            "peak_bytes": peak_bytes(counts),
            "modules": len(sys.modules),
        }


def test_entropy_and_otsu_of_scikit_image_on_the_same_picture(benchmark):
    counts = rendered(1040, 1408)
    grey = cv2.normalize(counts, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    found = benchmark.pedantic(entropy_and_otsu, (grey,), rounds=1)
    assert found.mean() == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("shape", [(1040, 1408), (1042, 1410)], ids=["whole blocks", "a rest"])
def test_the_large_picture_is_read_once_and_the_masks_written_once(shape):
    # Counts that noise cannot move: which calls touch an array of the full size.
    counts = rendered(*shape)
    # Where the blocks leave a rest, the mask is written in blocks and continued to the edges.
    rest = ["copyMakeBorder"] if shape == (1042, 1410) else []
    assert full_size_calls(counts) == ["resize", "resize", *rest]


def test_peak_memory_is_bounded_by_the_picture():
    # The limit of the acceptance: three pictures and 150 MB; measured beyond the input.
    counts = rendered(2748, 3840)
    find_gap(counts)
    assert peak_bytes(counts) <= 2 * counts.nbytes
