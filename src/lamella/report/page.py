"""How does a finished study become one self-contained page, answer first?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from lamella.assays.contract import Panel
from lamella.report import svg
from lamella.report.answer import Answer, answer, curve_lines
from lamella.report.arms import batches_of
from lamella.report.beside import COLUMNS, OTHERS, beside
from lamella.report.figure import Cell, Drawing, Figure, csv_text, wells_of
from lamella.report.flags import FlagKind, FlagLine, flag_kinds, flag_lines
from lamella.report.panels import DRAW
from lamella.report.templating import environment, script_hash, static_file, write_file
from lamella.report.typeset import file_stem, listed, number
from lamella.study.result import AssayResult, StudyResult
from lamella.table.findings import Finding
from lamella.table.wells import Design

__all__ = ["NOTICE", "render"]

NOTICE = (
    "For research use only. Not for diagnosis, therapy or any clinical decision. Without "
    "warranty: check every protocol and setting against your own set-up."
)
_LEVELS = {"error": 0, "warning": 1, "note": 2}
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(frozen=True)
class _Item:
    """One figure in its place on the page; `id` is also the stem of its files."""

    id: str
    kind: str
    figure: Figure

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Whether each column of the table holds numbers."""
        columns = zip(*self.figure.rows, strict=True)
        return tuple(not any(isinstance(cell, str) for cell in column) for column in columns)

    @property
    def csv(self) -> str:
        """The points as a link that a browser saves."""
        text = _BOM + csv_text(self.figure.columns, self.figure.rows)
        return "data:text/csv;charset=utf-8," + quote(text, safe=" ,.;:-_()[]/", errors="replace")


@dataclass(frozen=True)
class _Part:
    """The section of one assay, or of one of its groups."""

    id: str
    heading: str
    answer: Answer
    batches: tuple[str, ...]
    figures: tuple[_Item, ...]
    curve_head: tuple[str, ...]
    curves: tuple[tuple[str, ...], ...]
    flags: tuple[FlagLine, ...]
    kinds: tuple[FlagKind, ...]

    @property
    def flagged_wells(self) -> int:
        """How many wells carry a flag."""
        return len({(line.plate, line.well) for line in self.flags})


def render(result: StudyResult, *, out: Path) -> Path:
    """Write the report of a study as one HTML file that needs no network.

    Each figure is also written as SVG and its points as CSV, to `figures/` beside the page.
    Nothing is computed but means for the eye, see `lamella.report.arms`.

    Args:
        result: The finished study.
        out: The page to write; its folder is made where it does not exist.

    Returns:
        `out`.
    """
    parts = tuple(_parts(result))
    pictures: dict[str, str] = {}
    for part in parts:
        for item in part.figures:
            pictures.update(item.figure.pictures)
    page = (
        environment(cell=_cell)
        .get_template("page.html")
        .render(
            study=result,
            notice=NOTICE,
            facts=list(_facts(result)),
            parts=parts,
            published=[beside(comparison) for comparison in result.comparisons],
            published_columns=(COLUMNS, OTHERS),
            findings=_grouped(result.findings),
            methods=list(dict.fromkeys(assay.methods for assay in result.assays if assay.methods)),
            provenance=list(result.provenance.items()),
            pictures=[Markup(picture) for picture in pictures.values()],
            style=Markup(static_file("page.css")),
            script=Markup(static_file("page.js")),
            script_hash="sha256-" + script_hash(static_file("page.js")),
        )
    )
    written = _write_figures(parts, out.parent / "figures")
    if out.parent.name == "results":  # that folder is ours; any other may hold a person's files
        _drop_stale(out.parent / "figures", written)
    return write_file(out, page)


def _parts(result: StudyResult) -> Iterator[_Part]:
    for index, assay in enumerate(result.assays, start=1):
        potency = assay.potency
        head, curves = curve_lines(potency) if potency is not None else ((), [])
        flags = tuple(flag_lines(assay, result))
        heading = f"{assay.assay.title}: {assay.group}" if assay.group else assay.assay.title
        yield _Part(
            id=f"part-{index}",
            heading=heading,
            answer=answer(assay, result),
            batches=batches_of(Design(wells_of(assay, result))),
            figures=tuple(_figures(assay, result)),
            curve_head=head,
            curves=tuple(curves),
            flags=flags,
            kinds=tuple(flag_kinds(flags)),
        )


def _figures(assay: AssayResult, result: StudyResult) -> Iterator[_Item]:
    stem = file_stem(f"{assay.assay.name} {assay.group}")
    several = [other for other in result.assays if other is not assay]
    if any(file_stem(f"{other.assay.name} {other.group}") == stem for other in several):
        stem += f"-{result.assays.index(assay) + 1}"
    for index, panel in enumerate(_panels(assay), start=1):
        name = f"{stem}-{index}-{file_stem(f'{panel.kind} {panel.metric}')}"
        yield _Item(name, panel.kind, DRAW[panel.kind](assay, result, panel))


def _panels(assay: AssayResult) -> Iterator[Panel]:
    """The panels that have something to show, with the read-out in their titles."""
    yielded = {row.metric for row in assay.rows}
    for panel in assay.assay.panels:
        if not panel.needs or panel.needs in yielded:
            label = assay.readout.label
            yield replace(panel, title=panel.title.replace("{readout}", label))


def _facts(result: StudyResult) -> Iterator[tuple[str, str]]:
    known = {name.lower() for name in result.facts}
    for name, fact in (("Compound", result.compound), ("Cell line", result.cell_line)):
        if fact and name.lower() not in known:
            yield name, fact
    yield from result.facts.items()


def _grouped(findings: Iterable[Finding]) -> list[Finding]:
    """Findings worst first; those that differ in their place alone are one."""
    places: dict[Finding, list[str]] = {}
    for finding in findings:
        places.setdefault(replace(finding, place=""), []).append(finding.place)
    merged = [
        replace(finding, place=listed([place for place in named if place]))
        for finding, named in places.items()
    ]
    return sorted(merged, key=lambda finding: _LEVELS[finding.level])


def _write_figures(parts: tuple[_Part, ...], folder: Path) -> set[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written: set[Path] = set()
    for item in (item for part in parts for item in part.figures):
        figure = item.figure
        for index, drawing in enumerate(figure.drawings, start=1):
            tail = f"-{index}-{file_stem(drawing.label)}" if len(figure.drawings) > 1 else ""
            drawn = _standalone(drawing, figure.pictures)
            written.add(write_file(folder / f"{item.id}{tail}.svg", drawn))
        if figure.rows:
            points = _BOM + csv_text(figure.columns, figure.rows)
            written.add(write_file(folder / f"{item.id}.csv", points))
    return written


def _drop_stale(folder: Path, written: set[Path]) -> None:
    """Figures of an earlier report, of a plate or batch that is gone, must not stay beside it."""
    for old in {*folder.glob("*.svg"), *folder.glob("*.csv")} - written:
        old.unlink(missing_ok=True)


def _standalone(drawing: Drawing, pictures: Mapping[str, str]) -> str:
    """A drawing as a file of its own: on white, with the pictures that it uses inside."""
    start = drawing.svg.index(">") + 1
    used = [pictures[key] for key in dict.fromkeys(drawing.pictures)]
    inside = svg.element("defs", *used) if used else ""
    ground = svg.element("rect", width="100%", height="100%", fill="#ffffff")
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + drawing.svg[:start] + ground + inside + drawing.svg[start:] + "\n"


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    return number(cell, digits=4)
