"""Is a picture that cannot be counted ever counted? Through `lamella measure transwell`."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile

from lamella.app.cli import main
from lamella.virtual.membrane import Membrane, render_membrane

PIXEL_UM = 1.0


@pytest.fixture(scope="module")
def field() -> np.ndarray:
    scene = Membrane().sized((300, 400), pixel_um=PIXEL_UM)
    return render_membrane(30, scene=scene, rng=np.random.default_rng(3)).image


def measured(capsys, path: Path, *more: str) -> tuple[int, list[dict], str]:
    code = main(["measure", "transwell", str(path), "--json", *more])
    told = capsys.readouterr()
    rows = json.loads(told.out)["rows"] if told.out else []
    return code, rows, told.err


def grey(field: np.ndarray, path: Path) -> Path:
    cv2.imwrite(str(path.with_suffix(".png")), cv2.cvtColor(field, cv2.COLOR_RGB2GRAY))
    return path.with_suffix(".png")


def grey_as_colour(field: np.ndarray, path: Path) -> Path:
    plain = cv2.cvtColor(field, cv2.COLOR_RGB2GRAY)
    cv2.imwrite(str(path.with_suffix(".png")), np.repeat(plain[..., None], 3, axis=2))
    return path.with_suffix(".png")


def cmyk_jpeg(field: np.ndarray, path: Path) -> Path:
    inks = np.concatenate([255 - field, np.zeros_like(field[..., :1])], axis=2)
    data = imagecodecs.jpeg8_encode(
        np.ascontiguousarray(inks), colorspace="cmyk", outcolorspace="cmyk"
    )
    path.with_suffix(".jpg").write_bytes(data)
    return path.with_suffix(".jpg")


def cmyk_tiff(field: np.ndarray, path: Path) -> Path:
    inks = np.concatenate([255 - field, np.zeros_like(field[..., :1])], axis=2)
    tifffile.imwrite(path.with_suffix(".tif"), inks, photometric="separated")
    return path.with_suffix(".tif")


def rgba_png(field: np.ndarray, path: Path) -> Path:
    alpha = np.full((*field.shape[:2], 1), 255, np.uint8)
    cv2.imwrite(str(path.with_suffix(".png")), np.concatenate([field[..., ::-1], alpha], axis=2))
    return path.with_suffix(".png")


def rgba_tiff(field: np.ndarray, path: Path) -> Path:
    alpha = np.full((*field.shape[:2], 1), 255, np.uint8)
    both = np.concatenate([field, alpha], axis=2)
    tifffile.imwrite(path.with_suffix(".tif"), both, photometric="rgb", extrasamples=["unassalpha"])
    return path.with_suffix(".tif")


def deep_tiff(field: np.ndarray, path: Path) -> Path:
    tifffile.imwrite(path.with_suffix(".tif"), field.astype(np.uint16) * 257, photometric="rgb")
    return path.with_suffix(".tif")


def deep_png(field: np.ndarray, path: Path) -> Path:
    cv2.imwrite(str(path.with_suffix(".png")), field[..., ::-1].astype(np.uint16) * 16)
    return path.with_suffix(".png")


def cut_jpeg(field: np.ndarray, path: Path) -> Path:
    data = imagecodecs.jpeg8_encode(field, level=90)
    path.with_suffix(".jpg").write_bytes(data[: len(data) // 2])
    return path.with_suffix(".jpg")


def nearly_whole_jpeg(field: np.ndarray, path: Path) -> Path:
    data = imagecodecs.jpeg8_encode(field, level=90)
    path.with_suffix(".jpg").write_bytes(data[: int(0.9 * len(data))])
    return path.with_suffix(".jpg")


def cut_png(field: np.ndarray, path: Path) -> Path:
    data = cv2.imencode(".png", field[..., ::-1])[1].tobytes()
    path.with_suffix(".png").write_bytes(data[: len(data) // 2])
    return path.with_suffix(".png")


def empty_file(field: np.ndarray, path: Path) -> Path:
    path.with_suffix(".tif").write_bytes(b"")
    return path.with_suffix(".tif")


def deep_grey(field: np.ndarray, path: Path) -> Path:
    plain = cv2.cvtColor(field, cv2.COLOR_RGB2GRAY)
    tifffile.imwrite(path.with_suffix(".tif"), plain.astype(np.uint16) * 257)
    return path.with_suffix(".tif")


def grey_and_alpha(field: np.ndarray, path: Path) -> Path:
    plain = cv2.cvtColor(field, cv2.COLOR_RGB2GRAY)
    both = np.stack([plain, np.full_like(plain, 255)], axis=2)
    extra = {"photometric": "minisblack", "extrasamples": ["unassalpha"]}
    tifffile.imwrite(path.with_suffix(".tif"), both, planarconfig="contig", **extra)
    return path.with_suffix(".tif")


def reals(field: np.ndarray, path: Path) -> Path:
    lost = field.astype(np.float32)
    lost[5, 5] = np.nan
    tifffile.imwrite(path.with_suffix(".tif"), lost, photometric="rgb")
    return path.with_suffix(".tif")


def one_line(field: np.ndarray, path: Path) -> Path:
    cv2.imwrite(str(path.with_suffix(".png")), field[:1])
    return path.with_suffix(".png")


def one_pixel(field: np.ndarray, path: Path) -> Path:
    cv2.imwrite(str(path.with_suffix(".png")), field[:1, :1])
    return path.with_suffix(".png")


BAD = (
    grey,
    grey_as_colour,
    cmyk_jpeg,
    cmyk_tiff,
    rgba_png,
    rgba_tiff,
    deep_tiff,
    deep_png,
    cut_jpeg,
    nearly_whole_jpeg,
    cut_png,
    empty_file,
    deep_grey,
    grey_and_alpha,
    reals,
    one_line,
    one_pixel,
)


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)
def test_a_picture_that_cannot_be_counted_has_a_reason_and_no_number(
    spoil, field, tmp_path, capsys
):
    path = spoil(field, tmp_path / "field")
    _, rows, _ = measured(capsys, path, "--pixel-um", str(PIXEL_UM))
    mine = [row for row in rows if row["metric"] in ("cell_count", "cell_density", "cells_inside")]
    assert {row["metric"] for row in mine} == {"cell_count", "cell_density", "cells_inside"}
    for row in mine:
        assert row["value"] is None
        assert row["flag"]
        assert len(row["reason"].split()) > 5


@pytest.mark.parametrize("factor", [0.1, 0.3, 4.0, 30.0])
def test_a_wrong_pixel_size_gives_no_count(factor, field, tmp_path, capsys):
    path = tmp_path / "field.png"
    cv2.imwrite(str(path), field[..., ::-1])
    _, rows, _ = measured(capsys, path, "--pixel-um", str(PIXEL_UM * factor))
    count = next(row for row in rows if row["metric"] == "cell_count")
    assert count["value"] is None
    assert count["flag"]
    assert "pixel" in count["reason"]


@pytest.mark.parametrize("stated", ["0", "-1", "nan", "inf"])
def test_a_pixel_size_that_is_no_length_gives_no_density(stated, field, tmp_path, capsys):
    path = tmp_path / "field.png"
    cv2.imwrite(str(path), field[..., ::-1])
    try:
        code, rows, told = measured(capsys, path, "--pixel-um", stated)
    except SystemExit as stopped:  # an argument that the parser refuses
        code, rows, told = int(stopped.code or 0), [], capsys.readouterr().err
    densities = [row for row in rows if row["metric"] == "cell_density"]
    assert all(row["value"] is None and row["flag"] for row in densities)
    assert densities or (code != 0 and "pixel" in told)


def test_without_a_pixel_size_there_are_cells_a_field_and_no_density(field, tmp_path, capsys):
    path = tmp_path / "field.png"
    cv2.imwrite(str(path), field[..., ::-1])
    _, rows, _ = measured(capsys, path)
    by_name = {row["metric"]: row for row in rows}
    assert by_name["cell_count"]["value"] > 0
    assert by_name["cell_density"]["value"] is None
    assert by_name["cell_density"]["flag"] == "pixel_size_unknown"


def test_grey_nuclei_are_counted_where_fluorescence_is_stated(tmp_path, capsys):
    rng = np.random.default_rng(1)
    dark = np.full((300, 400), 20.0)
    for x, y in rng.integers(25, 275, (12, 2)):
        cv2.circle(dark, (int(x), int(y)), 7, 180.0, -1)
    nuclei = cv2.GaussianBlur(dark, (0, 0), 1.5) + rng.normal(0, 2, dark.shape)
    path = tmp_path / "dapi.png"
    cv2.imwrite(str(path), np.clip(nuclei, 0, 255).astype(np.uint8))
    stated = ("--pixel-um", "0.9", "--set", "light=fluorescence", "--set", "cell_um=13")
    _, rows, _ = measured(capsys, path, *stated)
    count = next(row for row in rows if row["metric"] == "cell_count")
    assert 8 <= count["value"] <= 14  # twelve, of which some may touch


def shining(channel: int, dirt_in: int) -> np.ndarray:
    """Twelve nuclei in one channel, and nine paler grains of dirt in another."""
    rng = np.random.default_rng(1)
    dark = np.full((300, 400), 20.0)
    for k in range(12):
        cv2.circle(dark, (50 + 90 * (k % 4), 60 + 85 * (k // 4)), 7, 110.0, -1)
    picture = rng.normal(20, 2, (300, 400, 3))
    picture[..., channel] = cv2.GaussianBlur(dark, (0, 0), 1.5) + rng.normal(0, 2, dark.shape)
    dirt = np.full((300, 400), 20.0)
    for k in range(9):
        cv2.circle(dirt, (95 + 90 * (k % 3), 20 + 85 * (k // 3)), 7, 70.0, -1)
    picture[..., dirt_in] = cv2.GaussianBlur(dirt, (0, 0), 1.5) + rng.normal(0, 2, dark.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("channel", "name"), [(0, "red"), (1, "green"), (2, "blue")])
def test_of_colours_that_shine_one_is_counted_and_told(channel, name, tmp_path, capsys):
    path = tmp_path / "dapi.png"
    cv2.imwrite(str(path), shining(channel, (channel + 1) % 3)[..., ::-1])
    light = ("--pixel-um", "0.9", "--set", "light=fluorescence", "--set", "cell_um=13")
    _, rows, _ = measured(capsys, path, *light)
    count = next(row for row in rows if row["metric"] == "cell_count")
    assert count["value"] == 12
    told = [row["reason"] for row in rows if row["object"] == "channel_chosen"]
    assert len(told) == 1
    assert name in told[0]
    _, rows, _ = measured(capsys, path, *light, "--set", f"channel={name}")
    stated = {row["metric"]: row for row in rows if row["object"] is None}
    assert stated["cell_count"]["value"] == 12
    assert not [row for row in rows if row["object"] == "channel_chosen"]


def test_a_channel_that_is_none_is_told(field, tmp_path, capsys):
    path = tmp_path / "field.png"
    cv2.imwrite(str(path), field[..., ::-1])
    code, _, told = measured(capsys, path, "--set", "channel=violet")
    assert code == 1
    assert "channel" in told


def test_an_unknown_setting_names_the_nearest(field, tmp_path, capsys):
    path = tmp_path / "field.png"
    cv2.imwrite(str(path), field[..., ::-1])
    code, _, told = measured(capsys, path, "--set", "lihgt=fluorescence")
    assert code == 1
    assert "Did you mean 'light'?" in told


def test_a_good_picture_is_counted(field, tmp_path, capsys):
    path = tmp_path / "field.png"
    cv2.imwrite(str(path), field[..., ::-1])
    code, rows, _ = measured(capsys, path, "--pixel-um", str(PIXEL_UM))
    by_name = {row["metric"]: row for row in rows if row["flag"] is None}
    assert code == 0
    assert by_name["cell_count"]["low"] <= by_name["cell_count"]["value"]
    assert by_name["cell_density"]["unit"] == "cells/mm²"
    assert 0 < by_name["stained_area_fraction"]["value"] < 1
