"""How fast inputs open: headers of a plate, one picture beside its peer, rows to disk and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from lamella.inputs.images import take_inventory
from lamella.inputs.images.pictures import read_jpeg, read_png
from lamella.inputs.images.tiff import read_tiff
from lamella.table.rows import Observation
from lamella.table.store import read_rows, write_rows

_SCANS = 24
_FILES = 8 * 12 * _SCANS


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 wells x 24 scans of small TIFF files under the names of an Incucyte export."""
    folder = tmp_path_factory.mktemp("plate")
    how: dict[str, Any] = {"resolution": (8064, 8064), "resolutionunit": 3, "metadata": None}
    tifffile.imwrite(folder / "one.tif", np.zeros((16, 16), np.uint16), **how)
    content = (folder / "one.tif").read_bytes()
    (folder / "one.tif").unlink()
    for row in "ABCDEFGH":
        for column in range(1, 13):
            for scan in range(_SCANS):
                (folder / f"P1_{row}{column}_1_00d{scan:02d}h00m.tif").write_bytes(content)
    return folder


def test_headers_of_a_plate(benchmark: Any, plate: Path) -> None:
    inventory = benchmark(take_inventory, plate)
    assert len(inventory.units) == 96
    assert inventory.findings == ()
    frames = sum(len(series.frames) for unit in inventory.units for series in unit.series)
    assert frames == _FILES
    benchmark.extra_info["files"] = frames


@pytest.mark.parametrize("reader", ["lamella", "peer"])
@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_one_picture_of_four_megapixels(
    benchmark: Any, tmp_path: Path, suffix: str, reader: str
) -> None:
    noise = np.random.default_rng(1).integers(90, 160, (2048, 2048)).astype(np.uint8)
    pixels = cv2.GaussianBlur(noise, (0, 0), 2)
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(path, pixels, metadata=None, compression="zlib")
    else:
        path.write_bytes(cv2.imencode(suffix, pixels)[1].tobytes())
    ours = {".tif": read_tiff, ".png": read_png, ".jpg": read_jpeg}[suffix]

    def peer() -> Any:
        return cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.float32)

    counts = benchmark((lambda: ours(path, 0)) if reader == "lamella" else peer)
    assert np.array_equal(counts, peer())


@pytest.mark.parametrize("way", ["write", "read"])
def test_forty_thousand_rows(benchmark: Any, tmp_path: Path, way: str) -> None:
    rows = [
        Observation("gap_area", i / 7, "µm²", plate="P1", well=f"B{i % 12:02d}", frame=i % 48)
        for i in range(40_000)
    ]
    path = tmp_path / "observations.parquet"
    write_rows(rows, path)
    if way == "write":
        benchmark(write_rows, rows, path)
    else:
        benchmark(read_rows, path)
    assert read_rows(path) == tuple(rows)
