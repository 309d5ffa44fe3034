"""Inserts that the command line renders are measured by it, and the counts hold their truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lamella.app.cli import main
from lamella.study import make_plan, membrane_demo, run
from lamella.study.demo import write_demo
from lamella.virtual.membrane import RenderedMembrane
from lamella.virtual.membrane_study import MembraneStudy, VirtualInsert

FEW = ["--batches", "1", "--vehicles", "2", "--replicates", "1", "--fields", "2", "--workers", "1"]
DOSES = ["--doses", "20 nM, 200 nM, 2 uM", "--size", "260x200"]


def truth_of(folder: Path, table: str = "truth_fields.csv") -> list[dict[str, str]]:
    with (folder / table).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module", params=["transwell", "invasion"])
def simulated(request, tmp_path_factory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("simulated") / request.param
    assert main(["simulate", request.param, "--out", str(folder), "--seed", "3", *FEW, *DOSES]) == 0
    run(folder)
    return request.param, folder


def test_each_rendered_field_is_counted_as_its_truth_table_says(simulated):
    _, folder = simulated
    rows = pl.read_parquet(folder / "results" / "observations.parquet").filter(
        (pl.col("metric") == "cell_count") & pl.col("object").is_null()
    )
    found = {(r["plate"], r["well"], r["field"]): r for r in rows.iter_rows(named=True)}
    truth = truth_of(folder)
    assert len(truth) == len(found) == sum(1 for _ in (folder / "images").rglob("*.tif"))
    held = []
    for line in truth:
        row, cells = found[line["plate"], line["well"], line["field"]], int(line["cells"])
        within = row["low"] <= cells <= row["high"]
        held.append(within or abs(row["value"] - cells) <= 0.05 * cells)
        if line["role"] == "blank":
            assert cells == row["value"] == 0
    # The intervals of the counts are 95 % ones; a field outside must be off by more than 5 %.
    assert sum(held) >= 0.9 * len(held)
    assert sum(int(line["cells"]) for line in truth) > 100


def test_the_tables_agree_with_the_plate_maps_and_with_each_other(simulated):
    kind, folder = simulated
    plan = make_plan(folder)
    assert not plan.broken
    for line in truth_of(folder):
        well = plan.design.at(line["plate"], line["well"])
        assert well is not None
        assert (well.role, well.batch) == (line["role"], line["batch"])
        dose = well.dose.amount if well.role == "test" and well.dose else None
        assert (float(line["dose_molar"]) if line["dose_molar"] else None) == pytest.approx(dose)
        assert (well.factors["attractant"] != "none") is (line["attracted"] == "True")
        if kind == "invasion":
            assert (well.factors["coating"] != "none") is (line["coated"] == "True")
        assert float(line["area_mm2"]) == pytest.approx(0.26 * 0.20)  # 1 µm a pixel
    cells = truth_of(folder, "truth_cells.csv")
    for line in truth_of(folder):
        mine = [cell for cell in cells if cell["image"] == line["image"]]
        assert len(mine) == int(line["cells"])
        assert sum(cell["inside"] == "True" for cell in mine) == int(line["cells_inside"])


@pytest.mark.parametrize("assay", ["transwell", "invasion"])
def test_the_plan_of_a_demonstration_has_no_finding(assay, tmp_path: Path, monkeypatch):
    """All controls, batches, doses and facts are there; nothing is measured here."""

    def blank(study: MembraneStudy, insert: VirtualInsert) -> Iterator[RenderedMembrane]:
        none = np.zeros((0, 2))
        for _ in range(study.fields):
            image = np.full((16, 16, 3), 200, np.uint8)
            yield RenderedMembrane(image, none, np.zeros(0, bool), none, 0.0, 1.0)

    monkeypatch.setattr(membrane_demo, "render_insert", blank)
    write_demo(assay, tmp_path / "demo", seed=2)
    plan = make_plan(tmp_path / "demo")
    assert plan.findings == ()
    assert {well.role for well in plan.design.wells} == {"vehicle", "test", "positive", "blank"}


def test_a_seed_fixes_every_byte_and_another_changes_them(tmp_path: Path, capsys):
    pictures = {}
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        folder = tmp_path / name
        given = ["simulate", "transwell", "--out", str(folder), "--seed", seed, *FEW]
        assert main([*given, "--doses", "1 uM", "--size", "160x120", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["schema"], told["kind"]) == ("lamella/simulate", "transwell")
        assert all(Path(name).is_file() for name in told["files"])
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        pictures[name] = [path.read_bytes() for path in files]
        assert told["pictures"] == sum(path.suffix == ".tif" for path in files)
    assert pictures["a"] == pictures["b"]
    assert pictures["a"] != pictures["c"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--doses", "10"], "'10' has no unit"),
        (["--doses", "10 nM, 10 nM"], "names a dose twice"),
        (["--doses", " , "], "names no dose"),
        (["--doses", "1 mg/mL"], "is no dose in mol/L above 0"),
        (["--ic50", "0"], "is no dose in mol/L above 0"),
        (["--doses", ",".join(f"{k} nM" for k in range(1, 26))], "at most 24 inserts fit"),
    ],
)
def test_what_cannot_be_simulated_is_told_and_writes_nothing(given, told, tmp_path, capsys):
    out = tmp_path / "study"
    assert main(["simulate", "transwell", "--out", str(out), *given]) == 1
    assert told in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--batches", "0"], "0 is not 1 or more"),
        (["--fields", "two"], "'two' is no whole number"),
        (["--size", "20x20"], "do not lie in 120 to 4096"),
        (["--size", "big"], "is not WIDTHxHEIGHT"),
        (["--cells-per-mm2", "nan"], "does not lie above 0"),
        (["--through-coat", "1.5"], "is no share"),
        (["--seed", "-1"], "-1 is not 0 or more"),
    ],
)
def test_a_wrong_argument_is_wrong_use(given, told, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["simulate", "invasion", "--out", str(tmp_path / "study"), *given])
    assert told in capsys.readouterr().err


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["simulate", "transwell", "--out", str(tmp_path)]) == 1
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
