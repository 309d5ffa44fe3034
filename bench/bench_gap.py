"""How many megapixels a second does the gap take, after decoding and with its interval?"""

from __future__ import annotations

import time
import tracemalloc

import cv2
import numpy as np
import pytest

from lamella.vision import gap as gap_module
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


@pytest.mark.parametrize("shape", [(1040, 1408), (2748, 3840)], ids=["1.5MP", "10.5MP"])
def test_gap_with_its_interval(benchmark, shape):
    counts = rendered(*shape)
    gap = benchmark(find_gap, counts)
    assert_gap_as_rendered(gap)
    if benchmark.stats:
        megapixels = counts.size / 1e6 / benchmark.stats.stats.min
        benchmark.extra_info["megapixels_per_s"] = round(megapixels)


def test_entropy_and_otsu_of_scikit_image_on_the_same_picture(benchmark):
    filters = pytest.importorskip("skimage.filters")
    disk = pytest.importorskip("skimage.morphology").disk
    counts = rendered(1040, 1408)
    grey = cv2.normalize(counts, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)

    def peer():
        entropy = filters.rank.entropy(grey, disk(10))
        return entropy < filters.threshold_otsu(entropy)

    found = benchmark.pedantic(peer, rounds=1)
    assert found.mean() == pytest.approx(0.3, abs=0.1)


def test_the_large_picture_is_read_once_and_the_masks_written_once(monkeypatch):
    # Counts that noise cannot move: which calls touch an array of the full size.
    counts = rendered(1040, 1408)
    full: list[str] = []
    resize = cv2.resize

    def counted(source, size, *arguments, **named):
        if source.size == counts.size:
            full.append("read")
        if size is not None and size[0] * size[1] == counts.size:
            full.append("written")
        return resize(source, size, *arguments, **named)

    monkeypatch.setattr(gap_module.cv2, "resize", counted)
    assert_gap_as_rendered(find_gap(counts))
    assert full.count("read") == 1
    assert full.count("written") <= 2


def test_peak_memory_is_bounded_by_the_picture():
    # The limit of the acceptance: three pictures and 150 MB; measured beyond the input.
    counts = rendered(2748, 3840)
    find_gap(counts)
    tracemalloc.start()
    find_gap(counts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= 2 * counts.nbytes
