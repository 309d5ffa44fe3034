"""How well does the gap agree with every reference outline, and with which constants?

    python bench/gap_reference.py --out bench/results/gap_reference.md

Prints, per source, the figures of `find_gap` beside those of the programs of `expected.json`,
the loss under degradations, the coverage of the area interval, and what leave-one-source-out
chooses for each constant: for every source, the constants that are best on the others are
applied to it.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision import regions
from lamella.vision.front_search import FrontSearch
from lamella.vision.gap import Gap, find_gap

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "wound"
_SOURCES = ("aseg", "liu", "pc3", "wf", "zoe")
_PEERS = {
    "mri_variance_factory": "MRI, factory",
    "mri_variance_oracle": "MRI, best of 28 per image",
    "whst_factory": "WHST, factory",
    "whst_oracle": "WHST, best of 32 per image",
    "bowhead": "Bowhead",
    "entropy_otsu_largest": "entropy + Otsu",
    "proto_gradient_minerr": "gradient energy + minimum error",
}
_DEGRADED = (
    "wf_f09",
    "aseg_05",
    "zoe_con_0h_1",
    "pc3_10000_A2_48h",
    "liu_G6_stopper_DAPI",
    "pc3_12000_H3_30h",
)
KINDS = ("clean", "illumination", "border", "text", "noise", "jpeg", "contrast", "blur", "rotation")
_GRID = {
    "FRACTION": (0.07, 0.1, 0.14),
    "FRONT_DENSITY": (1.4, 1.6, 1.8),
    "_DISC": (7.0, 10.0, 14.0),
}

Mask = NDArray[np.bool_]
Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Reference:
    """One picture with its reference outline."""

    name: str
    source: str
    grey: NDArray[np.float32]
    mask: Mask
    well_defined: bool
    ambiguous: bool


def references(folder: Path) -> Iterator[Reference]:
    """Every picture of `images.csv` that has a reference mask."""
    with (folder / "images.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            if not row["mask"]:
                continue
            mask = cv2.imread(str(folder / row["mask"]), cv2.IMREAD_GRAYSCALE) > 127
            picture = cv2.imread(str(folder / row["file"]), cv2.IMREAD_UNCHANGED)
            grey = picture if picture.ndim == 2 else picture[..., :3].mean(axis=2)
            ambiguous = row["ambiguous"] == "1"
            well = not ambiguous and float(row["gap_fraction"]) >= 0.05 and "8000" not in row["id"]
            counts = np.asarray(grey, np.float32)
            yield Reference(row["id"], row["source"], counts, mask, well, ambiguous)


def iou(found: Mask, reference: Mask) -> float:
    """Intersection over union; 1 where both are empty."""
    either = np.count_nonzero(found | reference)
    return float(np.count_nonzero(found & reference) / either) if either else 1.0


def shrunk(grey: NDArray[np.float32], mask: Mask) -> tuple[Grey, Mask]:
    """Picture and mask at 1000 px on the short side, in 8 bits."""
    grey = grey[: mask.shape[0]]
    scale = 1000 / min(grey.shape)
    size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return _eight_bits(cv2.resize(grey, size, interpolation=how)), small


def degraded(kind: str, grey: Grey, mask: Mask) -> tuple[Grey, Mask, Mask]:
    """The picture after one degradation, its mask, and the pixels that are scored."""
    height, width = grey.shape
    counts, scored = grey.astype(np.float32), np.ones_like(mask)
    if kind == "illumination":
        grey = _eight_bits(counts * np.linspace(0.5, 1.5, width, dtype=np.float32))
    elif kind == "border":
        y, x = np.mgrid[:height, :width]
        centre_y, centre_x = (height - 1) / 2, (width - 1) / 2
        radius = np.hypot(y - centre_y, x - centre_x) / (0.56 * min(height, width))
        grey = _eight_bits(np.where(radius <= 1, counts * (1.15 - 0.5 * radius**2), 3))
        scored = radius <= 1
    elif kind == "text":
        grey = _written_on(grey)
    elif kind == "noise":
        grey = _eight_bits(counts + np.random.default_rng(0).normal(0, 5, grey.shape))
    elif kind == "jpeg":
        _, coded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 30])
        grey = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
    elif kind == "contrast":
        grey = _eight_bits((counts - counts.mean()) * 0.3 + counts.mean())
    elif kind == "blur":
        grey = _eight_bits(cv2.GaussianBlur(counts, (0, 0), 2))
    elif kind == "rotation":
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 20, 1.25)
        edge = cv2.BORDER_REFLECT_101
        grey = cv2.warpAffine(grey, turn, (width, height), borderMode=edge)
        near = cv2.INTER_NEAREST
        turned = cv2.warpAffine(
            mask.view(np.uint8), turn, (width, height), flags=near, borderMode=edge
        )
        mask = turned > 0
    return grey, mask, scored


def _written_on(grey: Grey) -> Grey:
    written, (height, width) = grey.copy(), grey.shape
    plain, bold = cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX
    cv2.putText(written, "2026-03-12 well B04 24 h", (20, 40), plain, 1.0, 255, 2)
    cv2.putText(written, "200 um", (width // 2 - 150, height - 60), bold, 1.6, 255, 3)
    cv2.rectangle(
        written, (width // 2 - 150, height - 40), (width // 2 + 150, height - 30), 255, -1
    )
    return written


def _eight_bits(counts: NDArray[np.floating]) -> Grey:
    return np.clip(np.round(counts), 0, 255).astype(np.uint8)


def _score(reference: Reference, gap: Gap) -> tuple[float, float]:
    found = gap.mask[: reference.mask.shape[0]]
    area = np.count_nonzero(reference.mask)
    return iou(found, reference.mask), abs(np.count_nonzero(found) - area) / area


def _source_table(known: list[Reference], gaps: list[Gap], expected: dict) -> Iterator[str]:
    scores = {ref.name: _score(ref, gap) for ref, gap in zip(known, gaps, strict=True)}
    groups = {source: [r.name for r in known if r.source == source] for source in _SOURCES}
    groups = {
        "all": list(scores),
        "well-defined": [r.name for r in known if r.well_defined],
        **groups,
    }
    yield "| method | " + " | ".join(f"{name} ({len(ids)})" for name, ids in groups.items()) + " |"
    yield "|---" * (len(groups) + 1) + "|"
    cells = []
    for ids in groups.values():
        overlap = np.mean([scores[i][0] for i in ids])
        cells.append(f"**{overlap:.3f}** ({100 * np.median([scores[i][1] for i in ids]):.1f} %)")
    yield "| lamella | " + " | ".join(cells) + " |"
    for key, title in _PEERS.items():
        cells = []
        for ids in groups.values():
            rows = [
                expected["per_image"][i]
                for i in ids
                if key in expected["per_image"].get(i, {}).get("methods", {})
            ]
            if not rows:
                cells.append("")
                continue
            overlap = np.mean([row["methods"][key]["iou"] for row in rows])
            errors = [
                abs(row["methods"][key]["frac"] / row["reference_fraction"] - 1) for row in rows
            ]
            cells.append(f"{overlap:.3f} ({100 * np.median(errors):.1f} %)")
        yield f"| {title} | " + " | ".join(cells) + " |"


def _interval_lines(known: list[Reference], gaps: list[Gap]) -> Iterator[str]:
    pairs = [
        (ref, gap)
        for ref, gap in zip(known, gaps, strict=True)
        if ref.source != "pc3" and not ref.ambiguous
    ]
    inside = [gap.low_px <= np.count_nonzero(ref.mask) <= gap.high_px for ref, gap in pairs]
    widths = [(gap.high_px - gap.low_px) / gap.area_px for _, gap in pairs if gap.area_px]
    yield (
        f"The 95 % interval covers the reference area in {sum(inside)} of {len(inside)} "
        f"unambiguous images outside PC-3; its median width is {100 * np.median(widths):.0f} % "
        "of the area."
    )


def _degradation_table(known: list[Reference]) -> Iterator[str]:
    by_name = {ref.name: ref for ref in known}
    yield "| degradation | mean IoU | mean loss | largest loss |"
    yield "|---|---|---|---|"
    clean: list[float] = []
    for kind in KINDS:
        overlaps = []
        for name in _DEGRADED:
            grey, mask, scored = degraded(kind, *shrunk(by_name[name].grey, by_name[name].mask))
            found = find_gap(grey.astype(np.float32)).mask
            overlaps.append(iou(found & scored, mask & scored))
        clean = clean or overlaps
        loss = np.array(clean) - overlaps
        yield f"| {kind} | {np.mean(overlaps):.3f} | {loss.mean():+.3f} | {loss.max():+.3f} |"


def _leave_one_out(known: list[Reference]) -> Iterator[str]:
    trials = {values: _trial(values, known) for values in itertools.product(*_GRID.values())}
    names = " / ".join(name.strip("_").lower() for name in _GRID)
    yield f"| left out | best on the others ({names}) | mean IoU there | with the defaults |"
    yield "|---|---|---|---|"
    defaults = (FrontSearch.FRACTION, FrontSearch.FRONT_DENSITY, regions._DISC)
    unseen = []
    for source in _SOURCES:
        others = [s for s in _SOURCES if s != source]
        # Every source counts the same, however many pictures it has.
        best = max(trials, key=lambda v: np.mean([trials[v][s] for s in others]))
        unseen.append(trials[best][source])
        chosen = " / ".join(f"{value:g}" for value in best)
        there, mine = trials[best][source], trials[defaults][source]
        yield f"| {source} | {chosen} | {there:.3f} | {mine:.3f} |"
    mine = np.mean([trials[defaults][s] for s in _SOURCES])
    yield f"| mean of sources | | {np.mean(unseen):.3f} | {mine:.3f} |"


def _trial(values: tuple[float, ...], known: list[Reference]) -> dict[str, float]:
    fraction, density, disc = values
    before = (FrontSearch.FRACTION, FrontSearch.FRONT_DENSITY, regions._DISC)
    FrontSearch.FRACTION, FrontSearch.FRONT_DENSITY, regions._DISC = fraction, density, disc
    try:
        scores = [(ref.source, _score(ref, find_gap(ref.grey))[0]) for ref in known]
    finally:
        FrontSearch.FRACTION, FrontSearch.FRONT_DENSITY, regions._DISC = before
    return {s: float(np.mean([v for source, v in scores if source == s])) for s in _SOURCES}


def report(folder: Path, *, tune: bool) -> str:
    """The whole report as Markdown."""
    known = list(references(folder))
    gaps = [find_gap(ref.grey) for ref in known]
    expected = json.loads((folder / "expected.json").read_text())
    command = "python bench/gap_reference.py --out bench/results/gap_reference.md"
    parts = [
        f"# The gap against reference outlines\n\n`{command}`",
        "Mean IoU, median relative area error in brackets. One set of defaults for all images; "
        "the settings of the others are in `expected.json`.",
        "\n".join(_source_table(known, gaps, expected)),
        "\n".join(_interval_lines(known, gaps)),
        "## Degradations\n\nSix images at 1000 px on the short side.",
        "\n".join(_degradation_table(known)),
    ]
    if tune:
        parts += [
            "## Leave one source out\n\nMean IoU per source over a grid of the three constants "
            "that were chosen on images: " + json.dumps(_GRID).replace('"', "") + ".",
            "\n".join(_leave_one_out(known)),
        ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("LAMELLA_DATA", _DATA.parent)) / "wound"
    )
    parser.add_argument("--out", type=Path, help="also write the report to this file")
    parser.add_argument("--quick", action="store_true", help="leave out the grid of constants")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    text = report(arguments.data, tune=not arguments.quick)
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
