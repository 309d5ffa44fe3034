"""Do a few strokes on one real field help on another? Through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lamella.app.cli import main

DRAWN = Path(__file__).parent / "strokes" / "transwell.jsonl"
BY_EYE = {
    "p2_manual31": 31,
    "p3_manual96": 96,
    "p4_manual126": 126,
    "p5_manual224": 224,
    "p6_manual132": 132,
}


def decision_on(field: str, folder: Path) -> Path:
    """The strokes that were drawn on one field, as a file of decisions."""
    lines = DRAWN.read_text(encoding="utf-8").splitlines()
    line = next(each for each in lines if json.loads(each)["target"]["field"] == field)
    (folder / f"{field}.jsonl").write_text(line + "\n", encoding="utf-8")
    return folder / f"{field}.jsonl"


@pytest.fixture
def strokes(tmp_path: Path) -> Path:
    return decision_on("p3_manual96", tmp_path)


def counted(capsys, paths: list[Path], *more: str) -> dict[tuple[str, str | None], float]:
    """Count of each field by (field, object); the automatic one has an object."""
    main(["measure", "transwell", *map(str, paths), "--json", *more])
    rows = json.loads(capsys.readouterr().out)["rows"]
    return {
        (row["field"], row["object"]): row["value"] for row in rows if row["metric"] == "cell_count"
    }


def test_strokes_on_one_field_help_on_others_and_harm_few(shared_data, tmp_path, capsys):
    """All ordered pairs of the five fields that have counts by eye."""
    folder = shared_data("assays/transwell/helmholtz")
    fields = [folder / f"{name}.png" for name in BY_EYE]
    before, after = [], []
    for on in BY_EYE:
        found = counted(capsys, fields, "--decisions", str(decision_on(on, tmp_path)))
        for name in BY_EYE.keys() - {on}:
            before.append(abs(found[name, "automatic"] - BY_EYE[name]))
            after.append(abs(found[name, None] - BY_EYE[name]))
    change = np.array(after) - np.array(before)
    assert len(change) == 20
    assert (change < 0).sum() > (change > 0).sum()
    assert (change > 0).sum() < 10
    assert np.mean(after) < np.mean(before)


def test_the_same_strokes_teach_the_same(shared_data, strokes, capsys):
    folder = shared_data("assays/transwell/helmholtz")
    pair = [folder / "p3_manual96.png", folder / "p2_manual31.png"]
    first = counted(capsys, pair, "--decisions", str(strokes))
    from lamella.assays import membrane

    membrane._learnt.cache_clear()
    assert counted(capsys, pair, "--decisions", str(strokes)) == first


def test_strokes_on_a_picture_that_is_not_there_are_told(shared_data, strokes, capsys):
    folder = shared_data("assays/transwell/helmholtz")
    alone = [folder / "p2_manual31.png"]
    main(["measure", "transwell", str(alone[0]), "--decisions", str(strokes)])
    told = capsys.readouterr()
    assert "were drawn on a picture that is not among the images" in told.err
    assert "taught" not in told.out
