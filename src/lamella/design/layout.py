"""Which treatment goes into which well, at random and yet balanced over the plate?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from lamella.design.placement import Field, arrange, uneven
from lamella.errors import SettingsError
from lamella.table.plates import PLATE_FORMATS, well_at
from lamella.table.wells import Role, Well
from lamella.units import Dose

__all__ = [
    "EdgeRule",
    "PlateLayout",
    "Treatment",
    "lay_out",
    "lay_out_batches",
    "usable_places",
    "with_controls",
]

EdgeRule = Literal["buffer", "use", "auto"]
LEAST_VEHICLE_WELLS = 3
LEAST_POSITIVE_WELLS = 2
VEHICLE_SHARE = 6  # at least one well in so many
_ATTEMPTS = 40


@dataclass(frozen=True, slots=True)
class Treatment:
    """What some wells of a plate get; `factors` are further columns of the plate map."""

    role: Role
    wells: int
    compound: str = ""
    dose: Dose | None = None
    factors: tuple[tuple[str, str], ...] = ()

    @property
    def molar(self) -> float:
        """The dose, 0 for none."""
        return self.dose.amount if self.dose else 0.0


@dataclass(frozen=True, slots=True)
class PlateLayout:
    """One randomised plate.

    Attributes:
        plate: Its name.
        format: Number of wells.
        seed: Gives the same layout again.
        treatments: What was to be placed.
        places: Row and column of every used well, in imaging order.
        index: Which treatment each of them gets.
        block: Which block of the design each of them belongs to.
        edge: What was done with the outer wells.
    """

    plate: str
    format: int
    seed: int
    treatments: tuple[Treatment, ...]
    places: tuple[tuple[int, int], ...]
    index: tuple[int, ...]
    block: tuple[int, ...]
    edge: Literal["buffer", "use"]

    def wells(self, *, batch: str, cell_line: str = "") -> tuple[Well, ...]:
        """The wells as a plate map, in imaging order."""
        return tuple(
            Well(
                plate=self.plate,
                well=well_at(*place),
                batch=batch,
                role=got.role,
                cell_line=cell_line,
                compound=got.compound,
                dose=got.dose,
                factors=dict(got.factors),
            )
            for place, got in zip(
                self.places, (self.treatments[index] for index in self.index), strict=True
            )
        )

    def quadrants(self, treatment: int) -> tuple[int, int, int, int]:
        """How many wells of a treatment lie top left, top right, bottom left, bottom right."""
        rows, columns = PLATE_FORMATS[self.format]
        found = Counter(
            2 * (2 * row >= rows) + (2 * column >= columns)
            for (row, column), index in zip(self.places, self.index, strict=True)
            if index == treatment
        )
        return found[0], found[1], found[2], found[3]


def with_controls(
    doses: Sequence[Dose],
    *,
    compound: str,
    replicates: int,
    vehicle: str = "DMSO",
    positive: Treatment | None = None,
    blanks: int = 1,
) -> tuple[Treatment, ...]:
    """The doses with as many control wells as they need.

    Vehicle takes at least 3 wells and one in six of all, a positive control at least 2.

    Raises:
        SettingsError: There is no dose, or a number is not possible.

    >>> arms = with_controls([Dose(1e-7), Dose(1e-6)], compound="defactinib", replicates=6)
    >>> [(arm.role, arm.wells) for arm in arms]
    [('vehicle', 3), ('test', 6), ('test', 6), ('blank', 1)]
    """
    if not doses or replicates < 1 or blanks < 0:
        raise SettingsError(
            f"{len(doses)} doses in {replicates} wells each with {blanks} blanks are no design. "
            "Give at least one dose and one well of each."
        )
    tests = [Treatment("test", replicates, compound, dose) for dose in doses]
    if positive is not None:
        least = max(positive.wells, LEAST_POSITIVE_WELLS)
        tests.append(Treatment("positive", least, positive.compound, positive.dose))
    if blanks:
        tests.append(Treatment("blank", blanks))
    others = sum(arm.wells for arm in tests)
    wells = max(LEAST_VEHICLE_WELLS, math.ceil(others / (VEHICLE_SHARE - 1)))
    return (Treatment("vehicle", wells, vehicle), *tests)


def usable_places(plate_format: int, edge: Literal["buffer", "use"]) -> list[tuple[int, int]]:
    """Wells that may be used, in imaging order: row by row, there and back.

    >>> usable_places(6, "use")
    [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (1, 0)]
    """
    rows, columns = PLATE_FORMATS[plate_format]
    rim = 1 if edge == "buffer" else 0
    return [
        (row, column)
        for row in range(rim, rows - rim)
        for column in (
            range(rim, columns - rim)
            if (row - rim) % 2 == 0
            else range(columns - rim - 1, rim - 1, -1)
        )
    ]


def lay_out(
    treatments: Sequence[Treatment],
    *,
    plate_format: int,
    seed: int,
    plate: str = "P1",
    edge: EdgeRule = "auto",
) -> PlateLayout:
    """A randomised complete block design of one plate.

    The wells are cut into blocks along the imaging order, each with its share of every
    treatment, so that no treatment is imaged early or late. Within blocks the order is random,
    then wells are exchanged until every treatment is spread over the quadrants and its wells
    lie in different rows and columns.

    Args:
        treatments: What is placed; see `with_controls`.
        plate_format: Wells of the plate, 6 to 384.
        seed: Gives the same layout again.
        plate: Its name.
        edge: `buffer` leaves the outer wells to medium, `use` fills them, `auto` buffers them
            where the rest is large enough.

    Raises:
        SettingsError: The plate is not known, or too small.

    >>> arms = with_controls([Dose(1e-7), Dose(1e-6)], compound="defactinib", replicates=6)
    >>> made = lay_out(arms, plate_format=24, seed=1)
    >>> made.edge, sum(made.quadrants(0)), max(made.quadrants(0))
    ('use', 3, 1)
    """
    if plate_format not in PLATE_FORMATS or plate_format > 384:
        known = ", ".join(str(n) for n in PLATE_FORMATS if n <= 384)
        raise SettingsError(f"a plate of {plate_format} wells is not laid out. Use {known}.")
    chosen = _edge(treatments, plate_format, edge)
    needed = sum(arm.wells for arm in treatments)
    usable = usable_places(plate_format, chosen)
    if needed > len(usable):
        where = "inner wells" if chosen == "buffer" else "wells"
        raise SettingsError(
            f"{needed} wells do not fit on the {len(usable)} {where} of a {plate_format}-well "
            "plate. Use a larger plate, fewer doses or fewer wells of each, or several plates."
        )
    places = _central(usable, needed, PLATE_FORMATS[plate_format])
    counts = [arm.wells for arm in treatments]
    rng = np.random.default_rng(seed)
    field = Field.of(places, PLATE_FORMATS[plate_format])
    index, block = _arranged(field, counts, rng)
    arms = tuple(treatments)
    return PlateLayout(plate, plate_format, seed, arms, tuple(places), index, block, chosen)


def lay_out_batches(
    treatments: Sequence[Treatment],
    *,
    batches: int,
    plate_format: int,
    seed: int,
    edge: EdgeRule = "auto",
) -> tuple[tuple[str, PlateLayout], ...]:
    """Batch and layout of every plate of a study; each plate is randomised anew.

    Where one plate cannot hold a batch, its replicate wells are split over several, each with
    its own controls.

    Raises:
        SettingsError: Not even one well of each treatment fits on a plate.
    """
    if batches < 1:
        raise SettingsError(f"{batches} batches are no study. Plan 3 or more independent days.")
    parts = _split(treatments, plate_format, edge)
    made = []
    for batch in range(1, batches + 1):
        for number, part in enumerate(parts):
            letter = chr(ord("a") + number) if len(parts) > 1 else ""
            name = f"P{batch}{letter}"
            own = int(np.random.SeedSequence([seed, batch, number]).generate_state(1)[0])
            layout = lay_out(part, plate_format=plate_format, seed=own, plate=name, edge=edge)
            made.append((str(batch), layout))
    return tuple(made)


def _arranged(
    field: Field, counts: Sequence[int], rng: np.random.Generator
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Treatment and block of each well: the first even arrangement, else the best of many."""
    best: tuple[int, tuple[int, ...], tuple[int, ...]] | None = None
    for _ in range(_ATTEMPTS):
        blocks = _blocks(counts, rng)
        index = arrange(field, blocks, rng=rng)
        misfit = uneven(field, index)
        if best is None or misfit < best[0]:
            numbers = [number for number, block in enumerate(blocks, start=1) for _ in block]
            best = misfit, tuple(index), tuple(numbers)
        if best[0] == 0:
            break
    assert best is not None
    return best[1:]


def _edge(
    treatments: Sequence[Treatment], plate_format: int, edge: EdgeRule
) -> Literal["buffer", "use"]:
    if edge != "auto":
        return edge
    inner = len(usable_places(plate_format, "buffer")) if plate_format >= 48 else 0
    return "buffer" if sum(arm.wells for arm in treatments) <= inner else "use"


def _central(
    usable: Sequence[tuple[int, int]], needed: int, size: tuple[int, int]
) -> list[tuple[int, int]]:
    """The smallest rectangle in the middle that holds the wells, in imaging order.

    A rectangle suits a multichannel pipette; what it has too many is taken from its corners in
    turn, so that the quadrants stay equal.
    """
    low, high = usable[0], max(usable)
    spans = [high[axis] - low[axis] + 1 for axis in (0, 1)]
    height, width = min(_rectangles(spans, needed), key=lambda one: _waste(one, spans, needed))
    first = [low[0] + (spans[0] - height) // 2, low[1] + (spans[1] - width) // 2]
    inside = [
        (row, column)
        for row, column in usable
        if 0 <= row - first[0] < height and 0 <= column - first[1] < width
    ]
    middle = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    corners: dict[tuple[bool, bool], list[tuple[int, int]]] = {}
    for row, column in inside:
        corners.setdefault((row > middle[0], column > middle[1]), []).append((row, column))
    for wells in corners.values():
        wells.sort(key=lambda at: (at[0] - middle[0]) ** 2 + (at[1] - middle[1]) ** 2)
    dropped: set[tuple[int, int]] = set()
    while len(inside) - len(dropped) > needed:
        fullest = max(corners.values(), key=len)
        dropped.add(fullest.pop())
    return [place for place in inside if place not in dropped]


def _rectangles(spans: Sequence[int], needed: int) -> list[tuple[int, int]]:
    """Heights and widths that lie exactly in the middle and hold the wells."""
    return [
        (height, width)
        for height in range(spans[0], 0, -2)
        for width in range(spans[1], 0, -2)
        if height * width >= needed
    ]


def _waste(one: tuple[int, int], spans: Sequence[int], needed: int) -> float:
    """Wells too many, and how far the shape is from that of the plate."""
    shape = abs(math.log(one[1] * spans[0] / (one[0] * spans[1])))
    return one[0] * one[1] - needed + 3 * shape


def _blocks(counts: Sequence[int], rng: np.random.Generator) -> list[list[int]]:
    """Treatments of each block; a block holds every treatment as often as its wells allow."""
    several = [count for count in counts if count > 1]
    number = min(several, default=1)
    blocks: list[list[int]] = [[] for _ in range(number)]
    for treatment in np.argsort([-count for count in counts], kind="stable"):
        each, rest = divmod(counts[treatment], number)
        for block in blocks:
            block += [int(treatment)] * each
        # What does not divide goes to the smallest blocks, ties at random.
        order = sorted(range(number), key=lambda b: (len(blocks[b]), rng.random()))
        for block_index in order[:rest]:
            blocks[block_index].append(int(treatment))
    return blocks


def _split(
    treatments: Sequence[Treatment], plate_format: int, edge: EdgeRule
) -> list[tuple[Treatment, ...]]:
    """One plate, or the fewest plates that share the replicate wells."""
    room = len(usable_places(plate_format, "buffer" if edge == "buffer" else "use"))
    most = max((arm.wells for arm in treatments if arm.role == "test"), default=1)
    for plates in range(1, most + 1):
        parts = [_part(treatments, number, plates) for number in range(plates)]
        if all(sum(arm.wells for arm in part) <= room for part in parts):
            return parts
    raise SettingsError(
        f"one well of each of {len(treatments)} treatments with its controls does not fit on a "
        f"{plate_format}-well plate. Use a larger plate or fewer doses."
    )


def _part(treatments: Sequence[Treatment], number: int, plates: int) -> tuple[Treatment, ...]:
    """The share of one plate: test wells divided, controls as each plate needs them."""
    if plates == 1:
        return tuple(treatments)
    shared = []
    for arm in treatments:
        wells = arm.wells // plates + (number < arm.wells % plates)
        if arm.role == "positive":
            wells = max(LEAST_POSITIVE_WELLS, wells)
        shared.append(replace(arm, wells=max(wells, 1)))
    vehicle = next((arm for arm in shared if arm.role == "vehicle"), None)
    others = sum(arm.wells for arm in shared if arm is not vehicle)
    least = max(LEAST_VEHICLE_WELLS, math.ceil(others / (VEHICLE_SHARE - 1)))
    return tuple(
        replace(arm, wells=max(arm.wells, least)) if arm is vehicle else arm for arm in shared
    )
