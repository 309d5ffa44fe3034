"""A lazily opened series of frames of one field, with its calibration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lamella.table.edits import Edit

__all__ = ["Example", "Frame", "FrameReader", "Series", "Unit"]


class FrameReader(Protocol):
    """Reads one plane of one file; a module-level function, so that a frame can be pickled."""

    def __call__(self, path: Path, plane: int, /) -> NDArray[np.number]:
        """Camera counts as stored, shape (H, W) or (H, W, 3), of any real type."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture that has not been read yet.

    Attributes:
        path: The file.
        plane: Index of the page within the file, 0 for single pictures.
        shape: Declared (height, width) in pixels, from the header.
        reader: Reads it.
        index: Place in the series, from 0.
        time_h: Real time since time zero [h], None where nothing states it.
        samples: Values a pixel that the file declares, transparency included; 0: not told.
    """

    path: Path
    plane: int
    shape: tuple[int, int]
    reader: FrameReader
    index: int = 0
    time_h: float | None = None
    samples: int = 0

    def read(self) -> NDArray[np.float32]:
        """Camera counts, shape (H, W) or (H, W, 3), never rescaled.

        Raises:
            ImageError: The file is damaged, or gone.
        """
        return np.ascontiguousarray(self.reader(self.path, self.plane), np.float32)

    def grey(self) -> NDArray[np.number]:
        """Camera counts, shape (H, W); the mean of the channels of a colour picture.

        A grey picture keeps the type in which it is stored: eight bits take a quarter of the
        memory of float counts.
        """
        counts = self.reader(self.path, self.plane)
        if counts.ndim == 2:
            return counts
        return np.asarray(counts.mean(axis=2, dtype=np.float32), np.float32)


@dataclass(frozen=True, slots=True)
class Series:
    """The frames of one field in time order.

    `pixel_um` is the side of a pixel [µm], None where neither metadata nor study states it.
    `problems` are flagged facts of this series that do not stop it (missing frame,
    contradicting pixel size), each a sentence with place and remedy.
    """

    field: str
    frames: tuple[Frame, ...]
    pixel_um: float | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """Strokes that a person drew on one frame, to train pixel classes from.

    `edit` is of kind `strokes`; the frame may belong to any unit of the assay.
    """

    edit: Edit
    frame: Frame
    pixel_um: float | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """What one call measures: the fields of one well, with the edits made to them.

    `examples` are the strokes of all units of the assay, which teach every one of them.
    """

    plate: str
    well: str
    series: tuple[Series, ...]
    edits: tuple[Edit, ...] = ()
    examples: tuple[Example, ...] = ()
