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

SHAPES = {"1.5MP": (1040, 1408), "10.5MP": (2748, 3840)}
PATTERN = "{well}_{field}_{time}.tif"
FRAMES = 4
# Shares of the field that are gap, frame by frame: by construction, not by measurement.
_OPEN = (0.30, 0.26, 0.22, 0.18)

ALONE = f"""\
import sys
from pathlib import Path
import cv2
from lamella.study.pictures import Request, measure_pictures
cv2.setNumThreads(1)
folder = Path(sys.argv[1])
measure_pictures(Request("scratch", (folder,), masks=folder / "masks", pattern="{PATTERN}"))
told = Path("/proc/self/status").read_text()
peak = next(line for line in told.splitlines() if line.startswith("VmHWM")).split()[1]
print(peak, len(sys.modules))
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


def alone(folder: Path) -> tuple[int, int]:
    """Peak memory [bytes] and modules of a process that measures the film and nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(folder)], capture_output=True, text=True, check=True
    )
    peak_kib, modules = done.stdout.split()
    return 1024 * int(peak_kib), int(modules)


def assert_masks_as_rendered(folder: Path) -> None:
    masks = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(folder.glob("*.png"))]
    assert len(masks) == FRAMES
    for mask, share in zip(masks, _OPEN, strict=True):
        assert set(np.unique(mask)) == {0, 255}
        # The limit of the area of rendered wounds in the closed loop.
        assert np.mean(mask > 0) == pytest.approx(share, rel=0.05)


@pytest.mark.parametrize("size", SHAPES)
def test_from_the_file_to_the_mask(benchmark, tmp_path, size):
    """Reading, gap with its interval, shape, drift, quality, settling and the mask as PNG."""
    film(tmp_path, SHAPES[size])
    request = Request("scratch", (tmp_path,), masks=tmp_path / "masks", pattern=PATTERN)
    found = benchmark(measure_pictures, request)
    assert_masks_as_rendered(tmp_path / "masks")
    closure = [m.row.value for m in found.rows if m.row.metric == "closure" and m.path]
    assert closure == pytest.approx([100 * (1 - s / _OPEN[0]) for s in _OPEN], abs=2)
    if benchmark.stats:
        height, width = SHAPES[size]
        seconds, megapixels = benchmark.stats.stats, FRAMES * height * width / 1e6
        peak_bytes, modules = alone(tmp_path)
        benchmark.extra_info |= {
            "megapixels_per_s": round(megapixels / seconds.min, 1),
            "median_megapixels_per_s": round(megapixels / seconds.median, 1),
            "times_entropy_and_otsu": round(peer_seconds(tmp_path) / seconds.median, 1),
            "file_bytes": sum(path.stat().st_size for path in tmp_path.glob("*.tif")),
            "mask_bytes": sum(path.stat().st_size for path in tmp_path.glob("masks/*.png")),
            "peak_bytes": peak_bytes,
            "modules": modules,
        }


def entropy_and_otsu(path: Path):
    """Gap and mask of one file by scikit-image, as guides for beginners find it."""
    filters = pytest.importorskip("skimage.filters")
    disk = pytest.importorskip("skimage.morphology").disk
    entropy = filters.rank.entropy(tifffile.imread(path), disk(10))
    mask = entropy < filters.threshold_otsu(entropy)
    path.parent.joinpath("peer").mkdir(exist_ok=True)
    cv2.imwrite(str(path.parent / "peer" / f"{path.stem}.png"), mask.view(np.uint8) * 255)
    return mask


def peer_seconds(folder: Path) -> float:
    """Processor time of scikit-image for all files of a film, judged by the first one."""
    paths = sorted(folder.glob("*.tif"))
    start = time.process_time()
    entropy_and_otsu(paths[0])
    return len(paths) * (time.process_time() - start)


def test_entropy_and_otsu_of_scikit_image_from_the_file_to_the_mask(benchmark, tmp_path):
    path = film(tmp_path, SHAPES["1.5MP"])[0]
    found = benchmark.pedantic(entropy_and_otsu, (path,), rounds=1)
    assert found.mean() == pytest.approx(_OPEN[0], abs=0.1)
    if benchmark.stats:
        megapixels = found.size / 1e6 / benchmark.stats.stats.min
        benchmark.extra_info["megapixels_per_s"] = round(megapixels, 2)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="peak memory is told by Linux")
@pytest.mark.parametrize("size", SHAPES)
def test_the_whole_process_needs_no_more_than_three_pictures_and_150_mb(tmp_path, size):
    # All of it: interpreter, libraries and the picture of 8 bits a pixel as it lies in the file.
    film(tmp_path, SHAPES[size])
    height, width = SHAPES[size]
    assert alone(tmp_path)[0] <= 3 * height * width + 150e6
