"""Which wells, fields and frames does a folder of images hold, and is anything wrong with them?"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from lamella.errors import ImageError
from lamella.inputs.images.acquisition import Acquisition, Inventory, Shot
from lamella.inputs.images.formats import inspect, read_any
from lamella.inputs.images.header import Header, ImageFormat, Plane, Problem
from lamella.inputs.images.listing import Listing, list_files, list_folder
from lamella.inputs.images.names import Moment, Name
from lamella.inputs.images.selection import select
from lamella.inputs.images.series import Frame, Series, Unit
from lamella.inputs.images.timing import timeline
from lamella.table.findings import Finding, Level

__all__ = ["content_hash", "open_images", "take_inventory"]

Look = Callable[[Path], tuple[Header, ImageFormat]]

_TOLD = 20
_NAMED = 6
_SAME_PIXEL = 0.02


def take_inventory(
    root: Path, stated: Acquisition | None = None, *, look: Look = inspect
) -> Inventory:
    """The units of a folder of images; reads headers, decodes no pixel.

    Args:
        root: The study folder, or the folder of images; a relative pattern starts here.
        stated: What the study states; it beats names and files.
        look: Header and format of a file, for example as they are remembered.

    Returns:
        Units with sorted frames, files that fit nothing, and all problems at once. A file
        that cannot be read stays a frame, so that measuring it yields a row that says why.

    Raises:
        SettingsError: The pattern or the preset is not valid, or leads out of `root`.
    """
    acquisition = stated or Acquisition()
    return _inventory(list_folder(root, acquisition), acquisition, look)


def open_images(
    path: str | Path | Iterable[str | Path],
    *,
    pattern: str | None = None,
    preset: str | None = None,
    pixel_um: float | None = None,
    interval_h: float | None = None,
) -> Inventory:
    """The images of a file, of several files or of a folder, opened lazily.

    Without pattern and preset the presets are tried; where none explains the names, each
    file is a field of its own, and a stack is a series.

    Raises:
        SettingsError: The pattern or the preset is not valid.
        ImageError: A path does not exist.
    """
    stated = Acquisition(pattern=pattern, preset=preset, pixel_um=pixel_um, interval_h=interval_h)
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(each) for each in path]
    for each in paths:
        if not each.exists():
            raise ImageError(
                f"{each} does not exist. Check the name, or quote it if it has blanks."
            )
    if len(paths) == 1 and paths[0].is_dir():
        return take_inventory(paths[0], stated)
    files = [
        inner
        for each in paths
        for inner in (sorted(each.rglob("*")) if each.is_dir() else [each])
        if inner.is_file()
    ]
    return _inventory(list_files(files, stated), stated, inspect)


def content_hash(path: Path) -> str:
    """Size and content of a file as a short text: another text, another content.

    Raises:
        ImageError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
            return f"{file.tell()}-{digest.hexdigest()}"
    except OSError as error:
        raise ImageError(
            f"{path} cannot be read ({error.strerror}). Check the file and its permission."
        ) from error


def _inventory(listing: Listing, stated: Acquisition, look: Look) -> Inventory:
    shots, file_findings = _open_all(listing.named, look)
    chosen, choice_findings = select(_with_elapsed(shots), stated)
    by_plate: dict[str, dict[str, dict[str, list[Shot]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for shot in chosen:
        by_plate[shot.name.plate][shot.name.well][shot.name.field].append(shot)
    units: list[Unit] = []
    findings = [*listing.findings, *file_findings, *choice_findings]
    for plate in sorted(by_plate, key=_natural):
        made, found = _units_of_plate(plate, by_plate[plate], stated)
        units += made
        findings += found
    findings += _pixel_findings(units)
    return Inventory(tuple(units), listing.unmatched, _capped(findings), listing.read_as)


def _open_all(named: Sequence[tuple[Path, Name]], look: Look) -> tuple[list[Shot], list[Finding]]:
    shots: list[Shot] = []
    findings: list[Finding] = []
    for path, name in named:
        try:
            header, image_format = look(path)
        except ImageError as error:
            problem = Problem("image-unreadable", str(error))
            shots.append(Shot(path, 0, None, read_any, name, problems=(problem,)))
            findings.append(
                Finding(
                    "image-unreadable",
                    "error",
                    str(path),
                    str(error),
                    "Replace the file; until then its rows are flagged.",
                )
            )
            continue
        findings += [_of_file(path, problem) for problem in header.problems]
        shots += _shots(path, name, header, image_format)
    return shots, findings


def _with_elapsed(shots: Sequence[Shot]) -> list[Shot]:
    """Clock times as hours since the first picture of the plate, whatever its channel."""
    first: dict[str, datetime] = {}
    for shot in shots:
        clock = shot.name.moment.clock
        if clock is not None:
            first[shot.name.plate] = min(clock, first.get(shot.name.plate, clock))
    timed = []
    for shot in shots:
        clock = shot.name.moment.clock
        if clock is not None:
            hours = (clock - first[shot.name.plate]).total_seconds() / 3600
            shot = replace(shot, name=replace(shot.name, moment=Moment(elapsed_h=hours)))
        timed.append(shot)
    return timed


def _of_file(path: Path, problem: Problem) -> Finding:
    remedy = {
        "image-truncated": "Export or copy the image again; until then its rows are flagged.",
        "pixels-not-square": "State pixel_um, or export the image with square pixels.",
    }.get(problem.rule, "State pixel_um and interval_h, or export the image again.")
    level: Level = "error" if problem.rule == "image-truncated" else "warning"
    return Finding(problem.rule, level, str(path), f"{problem.message}.", remedy)


def _shots(path: Path, name: Name, header: Header, image_format: ImageFormat) -> list[Shot]:
    return [
        Shot(
            path=path,
            plane=plane.index,
            shape=plane.shape,
            reader=image_format.read,
            name=_with_plane(name, plane, many=len(header.planes) > 1),
            time_h=plane.time_h if len(header.planes) > 1 else None,
            pixel_um=header.pixel_um,
            problems=header.problems,
            samples=header.samples,
        )
        for plane in header.planes
    ]


def _with_plane(name: Name, plane: Plane, *, many: bool) -> Name:
    """The name completed by what the file counts: time, channel, depth, scene."""
    if not many:
        return name if name.channel or not plane.channel else replace(name, channel=plane.channel)
    moment = name.moment
    if moment == Moment() and plane.time_index is not None:
        moment = Moment(index=plane.time_index)
    field = name.field
    if plane.scene:
        field = f"{field}-{plane.scene}" if field else plane.scene
    return replace(
        name,
        field=field,
        moment=moment,
        channel=plane.channel or name.channel,
        z=plane.z or name.z,
    )


def _units_of_plate(
    plate: str, wells: Mapping[str, Mapping[str, Sequence[Shot]]], stated: Acquisition
) -> tuple[list[Unit], list[Finding]]:
    every = {(well, field): wells[well][field] for well in wells for field in wells[well]}
    # Without wells, files have nothing in common: each keeps a time axis of its own.
    groups = [every] if any(well for well, _ in every) else [{key: every[key]} for key in every]
    made: dict[str, list[Series]] = defaultdict(list)
    findings: list[Finding] = []
    for group in groups:
        by_label = {_label(well, field): shots for (well, field), shots in group.items()}
        line = timeline(by_label, stated, plate=plate)
        findings += line.findings
        for well, field in sorted(group, key=lambda key: (_natural(key[0]), _natural(key[1]))):
            label = _label(well, field)
            series, found = _series(
                field,
                list(zip(group[well, field], line.places[label], line.times_h[label], strict=True)),
                where=f"plate {plate}, {label}" if plate else label,
                missing=line.missing[label],
                stated_um=stated.pixel_um,
            )
            made[well].append(series)
            findings += found
    units = [Unit(plate, well, tuple(series)) for well, series in made.items() if well]
    alone = sorted(made.get("", ()), key=lambda series: _natural(series.field))
    return [*units, *(Unit(plate, "", (series,)) for series in alone)], findings


_Placed = tuple[Shot, int, float | None]


def _series(
    field: str,
    placed: Sequence[_Placed],
    *,
    where: str,
    missing: Sequence[str],
    stated_um: float | None,
) -> tuple[Series, list[Finding]]:
    kept, findings = _once(sorted(placed, key=lambda each: (each[1], each[0].path)), where)
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        findings.append(
            Finding(
                "missing-frame",
                "warning",
                where,
                f"there is no picture of {', '.join(missing[:_NAMED])}{more}.",
                "Copy the missing pictures there, or expect values without them.",
            )
        )
    sizes = Counter(shot.shape for shot, _, _ in kept if shot.shape is not None)
    usual = sizes.most_common(1)[0][0] if sizes else (0, 0)
    findings += _mixed_sizes(kept, usual, where) if len(sizes) > 1 else []
    pixel_um, found = _pixel_um([shot for shot, _, _ in kept], stated_um, where)
    findings += found
    frames = tuple(
        Frame(shot.path, shot.plane, shot.shape or usual, shot.reader, place, time_h, shot.samples)
        for shot, place, time_h in kept
    )
    flaws = {problem.message: None for shot, _, _ in kept for problem in shot.problems}
    told = [*flaws, *(f"{finding.message} {finding.remedy}" for finding in findings)]
    return Series(field, frames, pixel_um, tuple(told)), findings


def _once(placed: Sequence[_Placed], where: str) -> tuple[list[_Placed], list[Finding]]:
    """The shots without a second one of the same scan."""
    kept: list[_Placed] = []
    findings = []
    for each in placed:
        if kept and kept[-1][1] == each[1]:
            findings.append(
                Finding(
                    "duplicated-image",
                    "error",
                    where,
                    f"two pictures claim the same well, field and time: {_place(kept[-1][0])} "
                    f"and {_place(each[0])}.",
                    "Delete or rename one of them, or add what tells them apart to the pattern.",
                )
            )
        else:
            kept.append(each)
    return kept, findings


def _place(shot: Shot) -> str:
    return f"{shot.path.name}, page {shot.plane + 1}" if shot.plane else shot.path.name


def _mixed_sizes(kept: Sequence[_Placed], usual: tuple[int, int], where: str) -> list[Finding]:
    odd = [shot for shot, _, _ in kept if shot.shape not in (None, usual)]
    first = odd[0].shape or usual
    return [
        Finding(
            "mixed-sizes",
            "error",
            where,
            f"pictures of one series differ in size: {_place(odd[0])} has {first[1]} x {first[0]} "
            f"pixels, most have {usual[1]} x {usual[0]}.",
            "Export all pictures of a field with the same camera settings.",
        )
    ]


def _pixel_um(
    shots: Sequence[Shot], stated_um: float | None, where: str
) -> tuple[float | None, list[Finding]]:
    """The pixel size that counts, and whether anything contradicts it."""
    found = Counter(shot.pixel_um for shot in shots if shot.pixel_um is not None)
    usual = found.most_common(1)[0][0] if found else None
    believed = stated_um or usual
    if believed is None:
        return None, []
    other = next((size for size in found if abs(size / believed - 1) > _SAME_PIXEL), None)
    if other is None:
        return believed, []
    source = "the study states" if stated_um else "most files of the series state"
    return believed, [
        Finding(
            "pixel-size-contradiction",
            "warning",
            where,
            f"{source} {believed:g} µm a pixel, "
            f"{'the file states' if stated_um else 'another file'} {other:g} µm.",
            f"{believed:g} µm is used. Correct pixel_um, or leave it out to believe the files.",
        )
    ]


def _pixel_findings(units: Sequence[Unit]) -> list[Finding]:
    lost = [
        _label(unit.well, series.field)
        for unit in units
        for series in unit.series
        if series.pixel_um is None
    ]
    if not lost:
        return []
    return [
        Finding(
            "pixel-size-missing",
            "warning",
            lost[0] + (f" and {len(lost) - 1} more series" if len(lost) > 1 else ""),
            "nothing states the size of a pixel, so lengths, areas and speeds have no value in µm.",
            "State pixel_um; the software of the microscope shows it beside the objective.",
        )
    ]


def _capped(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """At most `_TOLD` findings of a rule, and one that counts the rest."""
    count: Counter[tuple[str, str]] = Counter()
    kept = []
    for finding in findings:
        key = (finding.rule, finding.level)
        count[key] += 1
        if count[key] <= _TOLD:
            kept.append(finding)
    for finding in [finding for finding in kept if count[finding.rule, finding.level] > _TOLD]:
        more = count.pop((finding.rule, finding.level), 0) - _TOLD
        if more > 0:
            kept.append(
                replace(
                    finding, place=f"{more} more places", message=f"the same as: {finding.message}"
                )
            )
    return tuple(kept)


def _label(well: str, field: str) -> str:
    return (
        " ".join(part for part in (well and f"well {well}", field and f"field {field}") if part)
        or "images"
    )


def _natural(text: str) -> list[tuple[int, str]]:
    """Sorts `2` before `10`."""
    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split(r"(\d+)", text)
        if part
    ]
