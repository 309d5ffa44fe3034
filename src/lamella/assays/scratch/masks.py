"""Masks that a person drew, and which gaps belong to the first wound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.errors import DecisionError
from lamella.table.edits import Edit

__all__ = ["edited_mask", "mask_edit", "moved", "thinned", "touching", "with_margin"]

Mask = NDArray[np.bool_]

# How far from the first wound a gap may lie and still be part of it: the wound of a toxic
# dose opens further before the monolayer lets go elsewhere.
_MARGIN = 0.05  # of the long side


def mask_edit(edits: Sequence[Edit], *, field: str, frame: int) -> Edit | None:
    """The last mask that a person drew for that frame, if any."""
    mine = [
        edit
        for edit in edits
        if edit.kind == "mask"
        and edit.target.field in ("", field)
        and edit.target.frame in (None, frame)
    ]
    return mine[-1] if mine else None


def edited_mask(edit: Edit, shape: tuple[int, int]) -> Mask:
    """The mask of a decision at full resolution; polygons fill by the even-odd rule.

    Raises:
        DecisionError: Neither polygons nor runs, or runs of another picture size.

    >>> from lamella.table.edits import Target
    >>> edit = Edit("1", "mask", Target(), data={"runs": [2, 3], "shape": [2, 4]})
    >>> edited_mask(edit, (2, 4)).astype(int).tolist()
    [[0, 0, 1, 1], [1, 0, 0, 0]]
    """
    if "polygons" in edit.data:
        return _filled(edit.data["polygons"], shape)
    if "runs" in edit.data:
        return _unrolled(edit, shape)
    raise DecisionError(
        f"decision {edit.id}: a mask needs 'polygons' or 'runs'. Draw the outline again."
    )


def _filled(polygons: Any, shape: tuple[int, int]) -> Mask:
    """Pixels whose centre lies inside, by the even-odd rule; edges are shared, never doubled."""
    height, width = shape
    crossings = np.zeros((height, width + 1), np.int32)
    for polygon in polygons:
        corners = np.asarray(polygon, np.float64).reshape(-1, 2)
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            low, high = min(y0, y1), max(y0, y1)
            first, last = np.clip(np.ceil([low - 0.5, high - 0.5]), 0, height).astype(int)
            rows = np.arange(first, last)
            if rows.size:
                x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
                columns = np.clip(np.ceil(x - 0.5), 0, width).astype(int)
                crossings[rows, columns] += 1
    return np.asarray(np.cumsum(crossings, axis=1)[:, :width] % 2 == 1)


def _unrolled(edit: Edit, shape: tuple[int, int]) -> Mask:
    drawn = tuple(edit.data.get("shape", shape))
    if drawn != shape:
        raise DecisionError(
            f"decision {edit.id}: the mask was drawn on a picture of {drawn[1]} x {drawn[0]} px, "
            f"this one has {shape[1]} x {shape[0]}. Draw it again."
        )
    flat = np.zeros(math.prod(shape), np.bool_)
    runs = [int(number) for number in edit.data["runs"]]
    for start, length in zip(runs[::2], runs[1::2], strict=True):
        flat[start : start + length] = True
    return flat.reshape(shape)


def thinned(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """The mask at the size of a thumbnail, shape (h, w); nearest pixels."""
    size = (shape[1], shape[0])
    out = cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(out, np.uint8).view(np.bool_)


def moved(mask: Mask, dx_px: float, dy_px: float) -> Mask:
    """The mask where the drift has taken it; what leaves the field is lost."""
    dx, dy = round(dx_px), round(dy_px)
    if dx == dy == 0:
        return mask
    matrix = np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]])
    size = (mask.shape[1], mask.shape[0])
    out = cv2.warpAffine(mask.view(np.uint8), matrix, size, flags=cv2.INTER_NEAREST)
    return np.asarray(out, np.uint8).view(np.bool_)


def with_margin(wound: Mask) -> Mask:
    """The wound and a margin of 5 % of the field around it, of the same shape."""
    if not wound.any():
        return wound
    reach = max(1, round(_MARGIN * max(wound.shape)))
    x, y, width, height = cv2.boundingRect(wound.view(np.uint8))
    part = (
        slice(max(y - reach, 0), y + height + reach),
        slice(max(x - reach, 0), x + width + reach),
    )
    away = cv2.distanceTransform((~wound[part]).view(np.uint8), cv2.DIST_L2, 5)
    near = np.zeros_like(wound)
    near[part] = np.asarray(away) <= reach
    return near


def touching(gap: Mask, near: Mask) -> Mask:
    """The gaps that reach into `near`, each of them whole.

    A gap is kept or left out, never cut: an area that grows stays as large as it is.

    Args:
        gap: Shape (H, W).
        near: The first wound with its margin, at the size of a thumbnail, shape (h, w).

    >>> near, gap = np.zeros((50, 50), bool), np.zeros((100, 100), bool)
    >>> near[:, 20:30], gap[:, 50:70], gap[10:20, 90:99] = True, True, True
    >>> touching(gap, near).sum(axis=0)[[55, 65, 95]].tolist()
    [100, 100, 0]
    """
    small = thinned(gap, near.shape)
    if not (small & ~near).any():
        return gap
    number, labels = cv2.connectedComponents(small.view(np.uint8), connectivity=8)
    kept = np.zeros(number, np.bool_)
    kept[np.unique(labels[near & small])] = True
    kept[0] = False
    if kept[1:].all():
        return gap
    dropped = (small & ~kept[labels]).view(np.uint8)
    rim = np.ones((3, 3), np.uint8)
    dropped = np.asarray(cv2.dilate(dropped, rim), np.uint8)
    return np.asarray(gap & ~thinned(dropped.view(np.bool_), gap.shape))
