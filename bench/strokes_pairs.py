"""Do strokes on one real field help on the others? All ordered pairs, through the command line.

Run: `python bench/strokes_pairs.py --fields FOLDER [--out FILE]`, FOLDER with the five fields that
have counts by eye. The strokes were drawn once by one rule (seven cells, pale and dark, five
stretches without a cell, a few pores) and are those of `tests/real/strokes/transwell.jsonl`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from lamella.app.cli import main as lamella
from lamella.assays import membrane

STROKES = Path(__file__).parents[1] / "tests" / "real" / "strokes" / "transwell.jsonl"
BY_EYE = {
    "p2_manual31": 31,
    "p3_manual96": 96,
    "p4_manual126": 126,
    "p5_manual224": 224,
    "p6_manual132": 132,
}


def counted(fields: list[Path], decision: str) -> dict[tuple[str, str | None], float]:
    """Count of each field by (field, object) with the strokes of one decision."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "decisions.jsonl"
        path.write_text(decision + "\n", encoding="utf-8")
        membrane._learnt.cache_clear()
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(io.StringIO()):
            paths = [str(field) for field in fields]
            lamella(["measure", "transwell", *paths, "--decisions", str(path), "--json"])
    rows = json.loads(told.getvalue())["rows"]
    return {
        (row["field"], row["object"]): row["value"] for row in rows if row["metric"] == "cell_count"
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=None)
    args = parser.parse_args()
    fields = [args.fields / f"{name}.png" for name in BY_EYE]
    lines = ["| strokes on | " + " | ".join(BY_EYE) + " |", "|---|" + "---|" * len(BY_EYE)]
    better = same = worse = 0
    before = after = 0.0
    for decision in STROKES.read_text(encoding="utf-8").splitlines():
        on = json.loads(decision)["target"]["field"]
        found = counted(fields, decision)
        if len(lines) == 2:
            cells = (f"{found[name, 'automatic']:.0f} ({eye})" for name, eye in BY_EYE.items())
            lines.append("| none (by eye) | " + " | ".join(cells) + " |")
        cells = (f"*{found[n, None]:.0f}*" if n == on else f"{found[n, None]:.0f}" for n in BY_EYE)
        lines.append(f"| {on} | " + " | ".join(cells) + " |")
        for name, eye in BY_EYE.items():
            if name != on:
                old, new = abs(found[name, "automatic"] - eye), abs(found[name, None] - eye)
                better, same, worse = better + (new < old), same + (new == old), worse + (new > old)
                before, after = before + old, after + new
    pairs = better + same + worse
    lines += [
        "",
        f"Of {pairs} ordered pairs the error is smaller in {better}, the same in {same} and larger "
        f"in {worse}; mean error {before / pairs:.2f} cells without, {after / pairs:.2f} with.",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if args.out is not None:
        args.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
