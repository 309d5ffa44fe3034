"""How many megapixels a second from an LZW TIFF to the mask on disk, and in how much memory?"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from lamella.study.pictures import Request, measure_pictures

# Per core means processor time, which a busy machine does not stretch as it does the clock.
pytestmark = pytest.mark.benchmark(timer=time.process_time)

_SHAPES = {"1.5MP": (1040, 1408), "10.5MP": (2748, 3840)}
_PATTERN = "{well}_{field}_{time}.tif"
_FRAMES = 4
# Shares of the field that are gap, frame by frame: by construction, not by measurement.
_OPEN = (0.30, 0.26, 0.22, 0.18)

_ALONE = f"""\
import sys
from pathlib import Path
import cv2
from lamella.study.pictures import Request, measure_pictures
cv2.setNumThreads(1)
folder = Path(sys.argv[1])
measure_pictures(Request("scratch", (folder,), masks=folder / "masks", pattern="{_PATTERN}"))
told = Path("/proc/self/status").read_text()
print(next(line for line in told.splitlines() if line.startswith("VmHWM")).split()[1])
"""


def film(folder: Path, shape: tuple[int, int]) -> list[Path]:
    """A closing gap in tissue of blurred noise, one 8-bit LZW TIFF a frame."""
    height, width = shape
    rng = np.random.default_rng(7)
    cells = cv2.GaussianBlur(rng.normal(size=shape).astype(np.float32), (0, 0), height / 260)
    noise = rng.normal(0, 1, shape).astype(np.float32)
    tissue = 120 + noise + 20 * cells / cells.std()
    paths = []
    for frame, share in enumerate(_OPEN):
        counts = tissue.copy()
        gap = slice(round((0.5 - share / 2) * width), round((0.5 + share / 2) * width))
        counts[:, gap] = 120 + noise[:, gap]
        paths.append(folder / f"A01_1_{frame:02d}h.tif")
        eight = np.clip(np.round(counts), 0, 255).astype(np.uint8)
        tifffile.imwrite(paths[-1], eight, compression="lzw")
    return paths


def assert_masks_as_rendered(folder: Path) -> None:
    masks = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(folder.glob("*.png"))]
    assert len(masks) == _FRAMES
    for mask, share in zip(masks, _OPEN, strict=True):
        assert set(np.unique(mask)) == {0, 255}
        # The limit of the area of rendered wounds in the closed loop.
        assert np.mean(mask > 0) == pytest.approx(share, rel=0.05)


@pytest.mark.parametrize("size", _SHAPES)
def test_from_the_file_to_the_mask(benchmark, tmp_path, size):
    """Reading, gap with its interval, shape, drift, quality, settling and the mask as PNG."""
    film(tmp_path, _SHAPES[size])
    request = Request("scratch", (tmp_path,), masks=tmp_path / "masks", pattern=_PATTERN)
    found = benchmark(measure_pictures, request)
    assert_masks_as_rendered(tmp_path / "masks")
    closure = [m.row.value for m in found.rows if m.row.metric == "closure" and m.path]
    assert closure == pytest.approx([100 * (1 - s / _OPEN[0]) for s in _OPEN], abs=2)
    if benchmark.stats:
        height, width = _SHAPES[size]
        megapixels = _FRAMES * height * width / 1e6 / benchmark.stats.stats.min
        benchmark.extra_info["megapixels_per_s"] = round(megapixels, 1)


def test_entropy_and_otsu_of_scikit_image_from_the_file_to_the_mask(benchmark, tmp_path):
    filters = pytest.importorskip("skimage.filters")
    disk = pytest.importorskip("skimage.morphology").disk
    path = film(tmp_path, _SHAPES["1.5MP"])[0]

    def peer():
        entropy = filters.rank.entropy(tifffile.imread(path), disk(10))
        mask = entropy < filters.threshold_otsu(entropy)
        cv2.imwrite(str(tmp_path / "peer.png"), mask.view(np.uint8) * 255)
        return mask

    found = benchmark.pedantic(peer, rounds=1)
    assert found.mean() == pytest.approx(_OPEN[0], abs=0.1)
    if benchmark.stats:
        megapixels = found.size / 1e6 / benchmark.stats.stats.min
        benchmark.extra_info["megapixels_per_s"] = round(megapixels, 2)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="peak memory is told by Linux")
@pytest.mark.parametrize("size", _SHAPES)
def test_the_whole_process_needs_no_more_than_three_pictures_and_150_mb(tmp_path, size):
    # All of it: interpreter, libraries and the picture of 8 bits a pixel as it lies in the file.
    film(tmp_path, _SHAPES[size])
    done = subprocess.run(
        [sys.executable, "-c", _ALONE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    height, width = _SHAPES[size]
    assert int(done.stdout) * 1024 <= 3 * height * width + 150e6
