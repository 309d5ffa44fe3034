"""Which doses and responses does a table hold that a spreadsheet or a program wrote?"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lamella.errors import FitError, UnitError, nearest
from lamella.inputs.plates.spreadsheet import decode, find_separator
from lamella.table.findings import Finding
from lamella.table.wells import ROLES
from lamella.units import Dimension, dose_unit_scale

__all__ = ["DoseColumns", "read_dose_table"]

_MISSING = ("", "na", "n/a", "nan", "null", "none", "#n/a", "#div/0!", "#value!", "#num!", "-")
_WITHOUT_COMPOUND = ("vehicle", "untreated", "blank")
_HEADER_UNIT = re.compile(r"dose[\s_]*[\[(]?\s*([^\s\[\]()]+?)\s*[\])]?", re.IGNORECASE)
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*")
_THOUSANDS = r"^\s*\d{1,3}(,\d{3})+\s*$"
_MICRO = str.maketrans({"µ": "u", "μ": "u"})
_TOLD = 5


@dataclass(frozen=True)
class DoseColumns:
    """The columns of a dose-response table, a row a point.

    Attributes:
        dose: Doses in `dose_unit`, shape (n,), not negative.
        response: Shape (n,), NaN where the table has none.
        dose_unit: As the user wrote it, for example `nM`; "" where all doses are 0.
        response_name: Name of the response column as written.
        batch, curve, role: Text, shape (n,), None where the table has no such column.
        weight: Shape (n,), above 0, or None.
        findings: What is odd but no obstacle.
    """

    dose: NDArray[np.float64]
    response: NDArray[np.float64]
    dose_unit: str
    response_name: str
    batch: NDArray[np.str_] | None = None
    curve: NDArray[np.str_] | None = None
    weight: NDArray[np.float64] | None = None
    role: NDArray[np.str_] | None = None
    findings: tuple[Finding, ...] = ()


def read_dose_table(
    path: Path,
    *,
    dose_unit: str | None = None,
    response: str | None = None,
    batch: str | None = None,
) -> DoseColumns:
    """The dose-response table of a CSV or Parquet file.

    Any line ending, encoding, separator and decimal mark that a spreadsheet writes is read.
    Doses carry units ("73.7 nM"), or the header does ("dose (nM)"), or `dose_unit` is stated.

    Args:
        path: The table, with the columns `dose`, `response` and, if it has them, `batch`,
            `curve`, `weight` and `role`.
        dose_unit: Unit of bare doses, and of the result.
        response: Another name of the response column.
        batch: Another name of the batch column.

    Raises:
        FitError: The file cannot be read, or its content cannot be fitted; all problems at
            once, each with its lines.
        UnitError: `dose_unit` is not known.
    """
    if dose_unit is not None:
        dose_unit_scale(dose_unit)
    sheet = _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _text(path)
    reader = _Reader(sheet)
    role = reader.role()
    dose, unit = reader.doses(dose_unit, role)
    response_name = reader.find(response or "response", "--response")
    batch_name = reader.find(batch, "--batch") if batch else reader.column("batch")
    values = reader.numbers(response_name) if response_name else np.empty(0)
    weight = reader.weights()
    if reader.problems:
        raise FitError(f"{path} cannot be fitted:\n" + "\n".join(reader.problems))
    return DoseColumns(
        dose=dose,
        response=values,
        dose_unit=unit,
        response_name=response_name,
        batch=reader.words(batch_name),
        curve=reader.words(reader.column("curve")),
        weight=weight,
        role=role,
        findings=tuple(reader.missing_responses(path, values)),
    )


@dataclass(frozen=True)
class _Sheet:
    """Cells as text or numbers; `lines` are the line numbers of the rows in the file."""

    table: pl.DataFrame
    lines: NDArray[np.int64]
    place: str = "line"
    comma_separated: bool = False


def _parquet(path: Path) -> _Sheet:
    try:
        table = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FitError(f"{path} cannot be read as Parquet. Write it again, or use CSV.") from error
    return _kept(table, first_line=1, place="row", comma_separated=False)


def _text(path: Path) -> _Sheet:
    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise FitError(f"{path} cannot be read ({error.strerror}). Check the name.") from error
    except UnicodeDecodeError as error:
        raise FitError(f"{path} is damaged text. Save it again as 'CSV UTF-8'.") from error
    if "\0" in text:
        raise FitError(f"{path} is not a text table. Save the sheet as 'CSV UTF-8'.")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    body = text.lstrip("\n")
    skipped = len(text) - len(body)
    header, _, body = body.partition("\n")
    mark = find_separator(header)
    names = _names(next(csv.reader(io.StringIO(header), delimiter=mark), []))
    if not names or not body.strip():
        raise FitError(f"{path} has no rows. It needs the columns 'dose' and 'response'.")
    try:
        table = pl.read_csv(
            body.encode(),
            separator=mark,
            has_header=False,
            new_columns=names,
            schema=dict.fromkeys(names, pl.String()),
            truncate_ragged_lines=True,
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise FitError(f"{path} is not a table: {reason}. Save it as 'CSV UTF-8'.") from error
    return _kept(table, first_line=skipped + 2, place="line", comma_separated=mark == ",")


def _kept(table: pl.DataFrame, *, first_line: int, place: str, comma_separated: bool) -> _Sheet:
    """The rows in which anything is written."""
    lines = np.arange(first_line, first_line + table.height)
    empty = table.select(
        pl.all_horizontal(pl.all().is_null() | (pl.all().cast(pl.String()).str.strip_chars() == ""))
    ).to_series()
    if empty.any():
        lines = lines[~empty.to_numpy()]
        table = table.filter(~empty)
    return _Sheet(table, lines, place, comma_separated)


def _names(cells: Sequence[str]) -> list[str]:
    """Names of the columns, each once."""
    names: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = cell.strip().strip("\ufeff") or f"column {number}"
        names.append(name if name not in names else f"{name} ({number})")
    return names


@dataclass
class _Reader:
    """Reads the columns of one sheet and gathers its problems."""

    sheet: _Sheet
    problems: list[str] = field(default_factory=list)

    def column(self, name: str) -> str:
        """The column of that name, however it is spelt; "" where there is none."""
        spelt = {_plain(each): each for each in reversed(self.sheet.table.columns)}
        return spelt.get(_plain(name), "")

    def find(self, name: str, option: str) -> str:
        found = self.column(name)
        if not found:
            advice = nearest(name, self.sheet.table.columns)
            self.problems.append(f"there is no column '{name}'. {advice} Name it with {option}.")
        return found

    def words(self, column: str) -> NDArray[np.str_] | None:
        if not column:
            return None
        text = self.sheet.table.get_column(column).cast(pl.String()).str.strip_chars()
        return np.asarray(text.fill_null("").to_numpy(), dtype=np.str_)

    def numbers(self, column: str) -> NDArray[np.float64]:
        """The numbers of a column, NaN where there is none; what is no number is a problem."""
        cells = self.sheet.table.get_column(column)
        if cells.dtype.is_numeric():
            return self._finite(column, cells.cast(pl.Float64()).fill_null(float("nan")).to_numpy())
        text = cells.cast(pl.String()).str.strip_chars().fill_null("")
        text = text.set(text.str.to_lowercase().is_in(_MISSING), "")
        pointed = self._pointed(text, column)
        values = pointed.cast(pl.Float64(), strict=False)
        wrong = (values.is_null() & (text != "")).to_numpy()
        self._tell(wrong, f"{column} is no number", text)
        return self._finite(column, values.fill_null(float("nan")).to_numpy())

    def weights(self) -> NDArray[np.float64] | None:
        column = self.column("weight")
        if not column:
            return None
        weight = self.numbers(column)
        self._tell(~(weight > 0), "weight must be above 0")
        return weight

    def role(self) -> NDArray[np.str_] | None:
        role = self.words(self.column("role"))
        if role is None:
            return None
        role = np.char.lower(role)
        for word in np.unique(role[~np.isin(role, ROLES)]):
            self._tell(role == word, f"role '{word}' is not known. {nearest(str(word), ROLES)}")
        return role

    def doses(
        self, stated: str | None, role: NDArray[np.str_] | None
    ) -> tuple[NDArray[np.float64], str]:
        """Doses and their unit; doses of wells without compound may be empty."""
        column, unit = self._dose_column()
        if not column:
            return np.empty(0), ""
        if unit and stated and unit.translate(_MICRO) != stated.translate(_MICRO):
            self.problems.append(
                f"the header '{column}' and the stated dose unit '{stated}' contradict each other."
            )
        unit = unit or stated or ""
        cells = self.sheet.table.get_column(column)
        if cells.dtype.is_numeric() or cells.cast(pl.Float64(), strict=False).is_not_null().all():
            dose = self.numbers(column)
        else:
            dose, unit = self._quantities(cells.cast(pl.String()).fill_null(""), unit)
        free = np.isin(role, _WITHOUT_COMPOUND) if role is not None else np.zeros(len(dose), bool)
        dose = np.where(np.isnan(dose) & free, 0.0, dose)
        self._tell(np.isnan(dose) & (len(self.problems) == 0), "the dose is empty")
        self._tell(dose < 0, "the dose is negative")
        if not unit and (dose > 0).any():
            self._tell(dose > 0, "the dose has no unit; write '10 nM', or state --dose-unit")
        return dose, unit

    def missing_responses(self, path: Path, values: NDArray[np.float64]) -> list[Finding]:
        lost = np.isnan(values)
        if not lost.any():
            return []
        return [
            Finding(
                "response-missing",
                "warning",
                f"{path.name}, {self._where(lost)}",
                f"{int(lost.sum())} rows have no response and do not enter the fit.",
                "Nothing, if the wells were lost; else fill them in.",
            )
        ]

    def _dose_column(self) -> tuple[str, str]:
        """The dose column, and the unit where its header states one."""
        found = self.column("dose")
        if found:
            return found, ""
        for name in self.sheet.table.columns:
            match = _HEADER_UNIT.fullmatch(name)
            if match is not None and _is_unit(match[1]):
                return name, match[1]
        return self.find("dose", "'dose' in its first line"), ""

    def _quantities(self, text: pl.Series, bare_unit: str) -> tuple[NDArray[np.float64], str]:
        """Doses that carry units, in the stated unit or the first that stands there."""
        text = text.str.strip_chars()
        split = {cell: _split(cell) for cell in text.unique(maintain_order=True).to_list()}
        units = [unit for _, unit in split.values() if unit and _is_unit(unit)]
        target = bare_unit or next(iter(units), "")
        dose_of = {cell: _converted(*parts, target) for cell, parts in split.items()}
        for cell, (value, unit) in split.items():
            reason = _fault(cell, value, unit, target, bare=bool(bare_unit))
            if reason:
                self._tell((text == cell).to_numpy(), reason)
        dose = text.replace_strict(dose_of, return_dtype=pl.Float64())
        return dose.to_numpy().astype(np.float64), target

    def _pointed(self, text: pl.Series, column: str) -> pl.Series:
        """Numbers with a decimal point in place of a comma."""
        commas = text.str.contains(",", literal=True)
        if not commas.any():
            return text
        grouped = commas & text.str.contains(".", literal=True)
        if self.sheet.comma_separated and text.filter(commas).str.contains(_THOUSANDS).all():
            grouped = commas
        self._tell(
            grouped.to_numpy(), f"{column} may have commas for thousands; write it without them"
        )
        return text.str.replace(",", ".", literal=True)

    def _finite(self, column: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        self._tell(np.isinf(values), f"{column} is infinite")
        return np.array(values, np.float64)

    def _tell(self, wrong: NDArray[np.bool_], problem: str, text: pl.Series | None = None) -> None:
        if not wrong.any():
            return
        shown = f" ('{text[int(np.argmax(wrong))]}')" if text is not None else ""
        self.problems.append(f"{self._where(wrong)}: {problem}{shown}.".replace("..", "."))

    def _where(self, rows: NDArray[np.bool_]) -> str:
        lines = self.sheet.lines[rows]
        told = ", ".join(str(line) for line in lines[:_TOLD])
        more = f" and {len(lines) - _TOLD} more" if len(lines) > _TOLD else ""
        return f"{self.sheet.place}{'s' if len(lines) > 1 else ''} {told}{more}"


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _is_unit(text: str) -> bool:
    try:
        dose_unit_scale(text)
    except UnitError:
        return False
    return True


def _split(cell: str) -> tuple[float | None, str]:
    """Number and unit of a dose; (None, "") where the cell is empty or no number."""
    match = _QUANTITY.fullmatch(cell)
    if match is None:
        return None, ""
    return float(match[1].replace(",", ".")), match[2].translate(_MICRO)


def _converted(value: float | None, unit: str, target: str) -> float | None:
    """The dose in the target unit, as printed where it is in that unit already."""
    if value is None:
        return float("nan")
    if not unit or not _is_unit(unit) or unit == target.translate(_MICRO) or not _is_unit(target):
        return value
    ratio = dose_unit_scale(unit)[1] / dose_unit_scale(target)[1]
    # Decimal steps are exact as divisors, not as factors (3 uM = 3000 nM).
    return value / round(1 / ratio) if ratio < 1 else value * round(ratio)


def _fault(cell: str, value: float | None, unit: str, target: str, *, bare: bool) -> str:
    if value is None:
        return "" if cell.lower() in _MISSING else f"the dose '{cell}' is no number with a unit"
    if not unit:
        if value == 0 or bare:
            return ""
        return f"the dose '{cell}' has no unit; write '{cell} nM', or state --dose-unit"
    if not _is_unit(unit):
        return f"the dose '{cell}' has an unknown unit"
    kinds: list[Dimension] = [dose_unit_scale(each)[0] for each in (unit, target)]
    if kinds[0] != kinds[1]:
        return f"the dose '{cell}' cannot be converted to {target}"
    return ""
