"""Every counted cell is one line of a table: where it lies, how large it is, whether it counts."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.errors import StudyError
from lamella.study import RunOptions, run
from lamella.study.decisions import append_decision
from lamella.study.membrane_demo import write_membrane_study
from lamella.table.edits import Edit, Target
from lamella.table.object_store import object_frame, read_objects, write_objects
from lamella.table.objects import Objects
from lamella.virtual.membrane_study import transwell_study
from lamella.vision.cell_objects import cell_objects, inside_of_tile
from lamella.vision.cells import count_cells
from lamella.vision.point_edits import corrected

TABLE = Path("results") / "objects" / "transwell.parquet"
PLACE = ("study", "batch", "plate", "well", "field", "frame", "time_h", "object")
FOUND = ("x_px", "y_px", "x_um", "y_um", "area_px", "area_um2", "inside", "status", "accepted")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Two batches of eight inserts with two fields each, not yet measured."""
    folder = tmp_path_factory.mktemp("objects") / "study"
    small = replace(
        transwell_study(seed=5, size_px=(160, 200)),
        doses_molar=(1e-7, 1e-6),
        batches=2,
        vehicles=2,
        replicates=1,
        positives=1,
        no_attractant=1,
        fields=2,
    )
    write_membrane_study(small, folder)
    return folder


@pytest.fixture(scope="module")
def finished(study: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("serial") / "study"
    shutil.copytree(study, folder)
    run(folder)
    return folder


def copy_of(folder: Path, place: Path) -> Path:
    shutil.copytree(folder, place / "study")
    return place / "study"


def test_every_counted_cell_has_one_line_and_the_lines_add_up_to_the_counts(finished: Path):
    cells = pl.read_parquet(finished / TABLE)
    assert cells.columns == [*PLACE, *FOUND, "excluded"]
    rows = pl.read_parquet(finished / "results" / "observations.parquet")
    keys = ["plate", "well", "field"]
    for metric, which in (("cell_count", "accepted"), ("cells_inside", "inside")):
        told = rows.filter((pl.col("metric") == metric) & pl.col("object").is_null())
        listed = cells.filter(pl.col(which)).group_by(keys).agg(listed=pl.len())
        both = told.join(listed, on=keys, how="left").with_columns(pl.col("listed").fill_null(0))
        assert both["value"].to_list() == both["listed"].to_list()
    assert (cells["status"] == "found").all()
    # The rendered pixels are 1 µm, and the middle of the first pixel lies half a pixel in.
    assert cells["x_um"].to_numpy() == pytest.approx(cells["x_px"].to_numpy() + 0.5, abs=1e-4)
    assert cells["x_px"].is_between(-0.5, 199.5).all()
    assert cells["y_px"].is_between(-0.5, 159.5).all()
    assert cells["area_um2"].is_between(20, 5000).all()  # a cell is some 10 to 40 µm wide


def test_the_table_has_the_same_bytes_however_it_was_made(
    study: Path, finished: Path, tmp_path: Path
):
    wanted = (finished / TABLE).read_bytes()
    parallel = copy_of(study, tmp_path / "parallel")
    run(parallel, RunOptions(engine="processes", workers=2))
    assert (parallel / TABLE).read_bytes() == wanted
    # A third of the wells measured, then killed while a part was being written, then resumed.
    killed = copy_of(study, tmp_path / "killed")
    run(killed, RunOptions(shard=(1, 3)))
    parts = sorted((killed / "results" / "parts").rglob("done.json"))
    parts[0].unlink()
    (parts[0].parent / "objects.parquet").write_bytes(b"PAR1 half")
    assert (killed / TABLE).read_bytes() != wanted
    run(killed)
    assert (killed / TABLE).read_bytes() == wanted


def test_the_table_stays_small(finished: Path):
    cells = pl.read_parquet(finished / TABLE)
    header = 12_000  # of a Parquet file with 18 columns
    assert (finished / TABLE).stat().st_size < header + 40 * cells.height


def test_corrections_and_exclusions_are_told_and_nothing_is_lost(finished: Path, tmp_path: Path):
    folder = copy_of(finished, tmp_path)
    before = pl.read_parquet(folder / TABLE)
    of_field = before.group_by("plate", "well", "field", maintain_order=True).len()
    plate, well, field, count = next(r for r in of_field.iter_rows() if r[3] >= 3)
    here = (pl.col("plate") == plate) & (pl.col("well") == well)
    mine = before.filter(here & (pl.col("field") == field))
    at = [mine["x_px"][0], mine["y_px"][0]]
    target = Target("transwell", plate, well, field)
    data = {"add": [[5, 5]], "remove": [at]}
    append_decision(folder, Edit("e1", "points", target, "kl", "missed one", data=data))
    other = next(w for w in before["well"].unique(maintain_order=True) if w != well)
    append_decision(folder, Edit("e2", "exclude", Target("", plate, other), "kl", "torn"))
    run(folder)
    after = pl.read_parquet(folder / TABLE)
    changed = after.filter(here & (pl.col("field") == field))
    assert changed["status"].value_counts().sort("status").rows() == [
        ("added", 1),
        ("found", count - 1),
        ("removed", 1),
    ]
    assert changed["accepted"].sum() == count
    gone = changed.filter(pl.col("status") == "removed").row(0, named=True)
    assert [gone["x_px"], gone["y_px"]] == at
    new = changed.filter(pl.col("status") == "added").row(0, named=True)
    assert (new["x_px"], new["area_px"], new["inside"]) == (5, None, None)
    left_out = after.filter(pl.col("excluded"))
    assert set(left_out.select("plate", "well").rows()) == {(plate, other)}


def discs(*places: tuple[int, int], radius: int = 9) -> np.ndarray:
    rng = np.random.default_rng(0)
    membrane = rng.normal(200, 3, (220, 260, 3)).astype(np.float32)
    for place in places:
        cv2.circle(membrane, place, radius, (80, 70, 150), -1)
    return membrane


def test_places_and_areas_are_those_of_the_drawn_discs():
    drawn = [(60, 100), (130, 60), (200, 160)]
    found = count_cells(discs(*drawn), pixel_um=1.0)
    columns = cell_objects(found, None, field="f1", frame=0, pixel_um=0.5).columns
    order = np.argsort(columns["x_px"])
    places = np.column_stack([columns["x_px"], columns["y_px"]])[order]
    assert places == pytest.approx(np.array(drawn), abs=1.0)
    # A disc of radius 9 px has 254 px; smoothing moves its border by less than a pixel.
    assert columns["area_px"] == pytest.approx(np.full(3, 254), rel=0.25)
    assert columns["area_um2"] == pytest.approx(columns["area_px"] / 4)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["remove", "split", "add"]), max_size=4), st.booleans())
def test_whatever_is_corrected_each_automatic_cell_stays_in_the_table_once(kinds, told):
    found = _FOUND
    points = np.asarray(found.points_px, np.float64)
    edits = []
    for k, kind in enumerate(kinds):
        x, y = points[k].tolist()
        data = {
            "remove": {"remove": [[x, y]]},
            "split": {"split": [{"at": [x, y], "into": [[x - 4, y], [x + 4, y]]}]},
            "add": {"add": [[3 + k, 3]]},
        }[kind]
        edits.append(Edit(str(k), "points", Target(), data=data))
    new = corrected(points, edits, reach_px=3) if edits else None
    columns = cell_objects(found, new, field="f1", frame=0, pixel_um=1.0 if told else None).columns
    automatic = columns["status"] != "added"
    assert automatic.sum() == len(points)
    listed = np.column_stack([columns["x_px"], columns["y_px"]])[automatic]
    assert sorted(map(tuple, listed.tolist())) == sorted(
        map(tuple, np.round(points, 1).astype(np.float32).tolist())
    )
    assert columns["accepted"].sum() == (len(points) if new is None else len(new.points_px))
    assert np.isnan(columns["x_um"]).all() != told


_FOUND = count_cells(discs((40, 40), (120, 40), (200, 40), (40, 150), (130, 150)), pixel_um=1.0)


def test_a_cell_that_two_tiles_show_is_inside_one_of_them():
    objects = cell_objects(_FOUND, None, field="f1", frame=0)
    kept = [True, False, True, True, False]
    told = inside_of_tile(objects, kept).columns
    assert list(told["inside"]) == kept
    assert told["accepted"].all()


def test_other_assays_may_list_what_they_want(tmp_path: Path):
    tracks = [
        Objects("f1", frame, {"track": np.arange(n, dtype=np.int32), "speed_um_h": speed}, 0.5 * n)
        for frame, n, speed in ((0, 2, np.array([1.0, np.nan])), (1, 0, np.zeros(0)))
    ]
    table = object_frame(tracks, {"well": "B02"})
    write_objects(table, tmp_path / "tracks.parquet")
    back = read_objects(tmp_path / "tracks.parquet")
    assert back.columns == ["well", "field", "frame", "time_h", "object", "track", "speed_um_h"]
    assert back["speed_um_h"].to_list() == [1.0, None]
    with pytest.raises(ValueError, match="shapes that differ"):
        Objects("f1", 0, {"x_px": np.zeros(2), "y_px": np.zeros(3)})


def test_a_damaged_table_says_what_to_do(tmp_path: Path):
    path = tmp_path / "transwell.parquet"
    with pytest.raises(StudyError, match="Run the study first"):
        read_objects(path)
    path.write_bytes(b"PAR1")
    with pytest.raises(StudyError, match="Run again with --fresh"):
        read_objects(path)
