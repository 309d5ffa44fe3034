"""Do a few strokes on one real field help on another? Through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamella.app.cli import main

# Drawn by eye on the field with 96 cells: along cells, over bare membrane, dots on pores.
CELLS = [
    *([(155, 45), (158, 62)], [(95, 55), (105, 62)], [(126, 66), (132, 68)], [(30, 96), (40, 100)]),
    *([(230, 132), (243, 137)], [(288, 89), (300, 92)], [(46, 247), (58, 252)]),
    *([(120, 235), (123, 258)], [(266, 170), (266, 190)], [(206, 140), (207, 160)]),
    *([(215, 262), (222, 278)], [(278, 270), (290, 280)], [(350, 260), (360, 252)]),
]
BARE = [
    *([(80, 128), (95, 128)], [(310, 240), (318, 262)], [(60, 112), (90, 112)]),
    *(
        [(60, 290), (62, 300)],
        [(262, 312), (280, 318)],
        [(180, 5), (195, 12)],
        [(10, 70), (20, 90)],
    ),
]
PORES = [
    *((84, 20), (17, 31), (305, 42), (324, 42), (368, 136), (382, 162), (297, 217), (295, 230)),
    *((55, 212), (34, 118), (103, 137), (134, 216), (242, 23)),
]


@pytest.fixture
def strokes(tmp_path: Path) -> Path:
    drawn = [
        *({"class": "cell", "points": line} for line in CELLS),
        *({"class": "background", "points": line, "radius_px": 2} for line in BARE),
        *({"class": "pore", "points": [dot], "radius_px": 2.5} for dot in PORES),
    ]
    line = {
        "id": "s1",
        "kind": "strokes",
        "target": {"field": "p3_manual96"},
        "data": {"strokes": drawn},
    }
    path = tmp_path / "strokes.jsonl"
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    return path


def counted(capsys, paths: list[Path], *more: str) -> dict[tuple[str, str | None], float]:
    """Count of each field by (field, object); the automatic one has an object."""
    main(["measure", "transwell", *map(str, paths), "--json", *more])
    rows = json.loads(capsys.readouterr().out)["rows"]
    return {
        (row["field"], row["object"]): row["value"] for row in rows if row["metric"] == "cell_count"
    }


def test_strokes_on_a_clear_field_lower_the_error_on_a_blurred_one(shared_data, strokes, capsys):
    folder = shared_data("assays/transwell/helmholtz")
    pair = [folder / "p3_manual96.png", folder / "p4_manual126.png"]
    found = counted(capsys, pair, "--decisions", str(strokes))
    automatic, taught = found["p4_manual126", "automatic"], found["p4_manual126", None]
    assert automatic == counted(capsys, pair)["p4_manual126", None]
    assert abs(taught - 126) < abs(automatic - 126)


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
