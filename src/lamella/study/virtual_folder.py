"""Writes any virtual experiment as a study folder, with the truth of its read-out beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from lamella.engine import ENGINES, Lost
from lamella.errors import StudyError
from lamella.study.dose_response import DoseResponse
from lamella.study.model import STUDY_FILE
from lamella.study.parts import write_json

__all__ = ["TRUTH_FILE", "Truth", "VirtualFolder", "truth_of", "write_folder"]

TRUTH_FILE = "truth.json"

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Truth:
    """The IC50 of the same read-out without noise, batches or wells.

    `value` is in `dose_unit`; None where the virtual compound has no such dose.
    """

    value: float | None
    dose_unit: str
    text: str

    def document(self) -> dict[str, object]:
        """As it stands in JSON."""
        return asdict(self)


@dataclass(frozen=True)
class VirtualFolder:
    """What stands in the folder of a virtual study beside its pictures.

    Attributes:
        text: `study.toml`.
        described: The simulation in words, for `truth.json`.
        maps: Lines of the plate map of each plate.
        truth: Of the read-out.
    """

    text: str
    described: str
    maps: Mapping[str, Sequence[str]]
    truth: Truth


def write_folder(
    virtual: VirtualFolder,
    folder: Path,
    write_well: Callable[[T], R],
    *,
    wells: Sequence[T],
    workers: int = 1,
) -> list[R]:
    """Render every well with `write_well` (picklable), then write maps, study and truth.

    Returns what `write_well` gave, in the order of the wells.

    Raises:
        StudyError: The folder holds something else, or a well could not be rendered.
    """
    truth_path = folder / TRUTH_FILE
    if folder.is_dir() and any(folder.iterdir()) and not truth_path.is_file():
        raise StudyError(f"{folder} is not empty and no virtual study. Choose another folder.")
    engine = ENGINES["processes" if workers > 1 else "serial"]
    written: dict[int, R] = {}
    for index, outcome in engine(write_well, wells, workers=workers):
        if isinstance(outcome, Lost):
            raise StudyError(f"the virtual study could not be written: {outcome.reason}")
        written[index] = outcome
    (folder / "plates").mkdir(parents=True, exist_ok=True)
    for plate, lines in virtual.maps.items():
        path = folder / "plates" / f"{plate}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / STUDY_FILE).write_text(virtual.text, encoding="utf-8")
    write_json(truth_path, {"study": virtual.described} | virtual.truth.document())
    return [written[index] for index in range(len(wells))]


def truth_of(found: DoseResponse) -> Truth:
    """The headline of a fit to noise-free values."""
    if found.potency is None:
        return Truth(None, found.dose_unit, found.reason)
    headline = found.potency.curves[0].potency
    if headline.value is None:
        return Truth(None, found.dose_unit, headline.text)
    return Truth(headline.value, found.dose_unit, f"{headline.value:.3g} {found.dose_unit}")
