"""What does the study state about its images, and what was made of them?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lamella.inputs.images.header import Problem
from lamella.inputs.images.names import Name
from lamella.inputs.images.series import FrameReader, Unit
from lamella.table.findings import Finding

__all__ = ["Acquisition", "Inventory", "Shot"]


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What the study states; the rest is read from names and files. It beats both.

    Attributes:
        pattern: Names of the files below the root, for example
            `images/{plate}/{well}_{field}_{time}.tif`. With a preset: a folder.
        preset: Name of a preset, see `presets.PRESETS`. Without both, presets are tried.
        pixel_um: Side of a pixel [µm].
        start_h: Time of the first scan after time zero [h].
        interval_h: Time between scans [h].
        times_h: Time of each scan [h], in place of `interval_h`.
        channel: The channel to measure where there are several.
        z: The plane in depth to measure where there are several.
        plate_format: Number of wells, for instruments that number their wells.
    """

    pattern: str | None = None
    preset: str | None = None
    pixel_um: float | None = None
    start_h: float = 0.0
    interval_h: float | None = None
    times_h: tuple[float, ...] | None = None
    channel: str | None = None
    z: str | None = None
    plate_format: int | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """The images of a folder, not yet read.

    Attributes:
        units: A unit a well, in order of plate and well.
        unmatched: Image files that belong to no unit.
        findings: All problems, each with place and remedy.
        read_as: The pattern or preset that explained the names, "" where each file is a
            field of its own.
    """

    units: tuple[Unit, ...]
    unmatched: tuple[Path, ...] = ()
    findings: tuple[Finding, ...] = ()
    read_as: str = ""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture with all that its name and its file state; `shape` is None if unreadable."""

    path: Path
    plane: int
    shape: tuple[int, int] | None
    reader: FrameReader
    name: Name
    time_h: float | None = None
    pixel_um: float | None = None
    problems: tuple[Problem, ...] = ()
    samples: int = 0
