"""What did a person decide about counted objects: points added, removed, split, and strokes?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.errors import DecisionError
from lamella.table.edits import Edit
from lamella.vision.pixel_classes import Stroke

__all__ = ["Corrected", "corrected", "point_edits", "strokes_of"]

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Corrected:
    """Objects after a person's corrections.

    Attributes:
        points_px: All of them, shape (n, 2) as x, y.
        added: Number that was added, parts of split objects included.
        removed: Number that was removed, split objects included.
        origin: Of each object its number (from 0) among the automatic ones; -1 where a person
            put it.
    """

    points_px: Points
    added: int
    removed: int
    origin: tuple[int, ...] = ()


def point_edits(edits: Iterable[Edit], *, field: str, frame: int) -> tuple[Edit, ...]:
    """The corrections of points that were made in one frame, in their order."""
    return tuple(
        edit
        for edit in edits
        if edit.kind == "points"
        and edit.target.field in ("", field)
        and edit.target.frame in (None, frame)
    )


def corrected(automatic: Points, edits: Sequence[Edit], *, reach_px: float) -> Corrected:
    """The automatic objects with the corrections applied one after the other.

    `data` of an edit: `add`, a list of [x, y]; `remove`, a list of [x, y], each of which takes
    the nearest object away; `split`, a list of {"at": [x, y], "into": [[x, y], ...]}, which
    puts several objects in the place of one. All in pixels of the full picture.

    Args:
        automatic: What was found, shape (n, 2) as x, y.
        edits: From `point_edits`.
        reach_px: How far from a click an object may lie to be meant.

    Raises:
        DecisionError: No object lies where one is to be removed or split, or the data are not
            of the form above.

    >>> from lamella.table.edits import Target
    >>> edit = Edit("1", "points", Target(), data={"add": [[9, 9]], "remove": [[1, 0]]})
    >>> corrected(np.array([[0.0, 0.0], [50.0, 0.0]]), [edit], reach_px=5).points_px.tolist()
    [[50.0, 0.0], [9.0, 9.0]]
    """
    points = [(float(x), float(y)) for x, y in automatic]
    origin = list(range(len(points)))
    added = removed = 0
    for edit in edits:
        unknown = set(edit.data) - {"add", "remove", "split"}
        if unknown or not edit.data:
            told = ", ".join(sorted(unknown)) or "nothing"
            raise DecisionError(
                f"decision {edit.id}: points take 'add', 'remove' and 'split', not {told}."
            )
        for at in edit.data.get("remove", ()):
            meant = _nearest(points, _place(at, edit), edit, reach_px)
            del points[meant], origin[meant]
            removed += 1
        for split in edit.data.get("split", ()):
            at, into = _split(split, edit)
            meant = _nearest(points, at, edit, reach_px)
            del points[meant], origin[meant]
            points += into
            origin += [-1] * len(into)
            removed, added = removed + 1, added + len(into)
        new = [_place(at, edit) for at in edit.data.get("add", ())]
        points += new
        origin += [-1] * len(new)
        added += len(new)
    places = np.asarray(points, np.float64).reshape(-1, 2)
    return Corrected(places, added, removed, tuple(origin))


def strokes_of(edit: Edit) -> tuple[Stroke, ...]:
    """The strokes of a decision.

    `data`: `strokes`, a list of {"class": "cell", "points": [[x, y], ...], "radius_px": 1.5} in
    pixels of the full picture; a single point is a dot.

    Raises:
        DecisionError: The data are not of this form.

    >>> from lamella.table.edits import Target
    >>> data = {"strokes": [{"class": "cell", "points": [[1, 2], [5, 2]]}]}
    >>> strokes_of(Edit("1", "strokes", Target(), data=data))[0].name
    'cell'
    """
    drawn = edit.data.get("strokes")
    if not isinstance(drawn, Sequence) or isinstance(drawn, str) or not drawn:
        raise DecisionError(f"decision {edit.id}: strokes need 'strokes', a list of strokes.")
    return tuple(_stroke(one, edit) for one in drawn)


def _stroke(one: Any, edit: Edit) -> Stroke:
    if not isinstance(one, Mapping) or not one.get("class") or not one.get("points"):
        raise DecisionError(
            f"decision {edit.id}: a stroke needs 'class' and 'points': [[x, y], ...]."
        )
    points = tuple(_place(at, edit) for at in one["points"])
    radius = one.get("radius_px", 1.5)
    if not isinstance(radius, int | float) or not 0 < radius < 1000:
        raise DecisionError(f"decision {edit.id}: radius_px {radius!r} is no half width in pixels.")
    return Stroke(str(one["class"]), points, float(radius))


def _nearest(
    points: Sequence[tuple[float, float]], at: tuple[float, float], edit: Edit, reach_px: float
) -> int:
    gaps = [math.dist(point, at) for point in points]
    if not gaps or min(gaps) > reach_px:
        raise DecisionError(
            f"decision {edit.id}: no counted object lies within {reach_px:.0f} px of "
            f"x {at[0]:.0f}, y {at[1]:.0f}. Look at the field again and decide anew."
        )
    return gaps.index(min(gaps))


def _split(value: Any, edit: Edit) -> tuple[tuple[float, float], list[tuple[float, float]]]:
    if not isinstance(value, Mapping) or not {"at", "into"} <= set(value):
        raise DecisionError(
            f"decision {edit.id}: a split needs 'at': [x, y] and 'into': [[x, y], ...]."
        )
    return _place(value["at"], edit), [_place(at, edit) for at in value["into"]]


def _place(at: Any, edit: Edit) -> tuple[float, float]:
    try:
        x, y = (float(value) for value in at)
    except (TypeError, ValueError) as error:
        raise DecisionError(f"decision {edit.id}: {at!r} is no point [x, y] in pixels.") from error
    if not (math.isfinite(x) and math.isfinite(y)):
        raise DecisionError(f"decision {edit.id}: {at!r} is no point [x, y] in pixels.")
    return x, y
