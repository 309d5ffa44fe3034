"""Which files of a folder belong to the acquisition, and what do their names state?"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lamella.errors import SettingsError
from lamella.inputs.images.acquisition import Acquisition
from lamella.inputs.images.formats import SUFFIXES
from lamella.inputs.images.names import Name, NamePattern, compile_pattern, parse_time
from lamella.inputs.images.presets import PRESETS, Preset, find_preset
from lamella.inputs.well_names import PLATE_FORMATS, well_at
from lamella.table.findings import Finding

__all__ = ["Listing", "list_files", "list_folder"]

_OTHER_IMAGES = frozenset(
    {".nd2", ".czi", ".lif", ".oib", ".oif", ".vsi", ".zvi", ".dv", ".ims", ".gif", ".webp"}
    | {".avi", ".mp4", ".mov", ".heic", ".icarch", ".dcm", ".jp2"}
)
_FOLDERS_OF_OTHERS = (".zarr",)
_NAMED = 3
# So many names, spread over the folder, tell the instrument.
_ASKED = 500
_ELAPSED = re.compile(
    r"(?<![A-Za-z0-9])(?<!\d[.,])(?:\d+d)?\d+(?:[.,]\d+)?h(?:\d+m)?(?![A-Za-z0-9])"
)
_LAST_NUMBER = re.compile(r"\d+(?=[^\d/]*$)")


@dataclass(frozen=True, slots=True)
class Listing:
    """Image files with what their names state, and those that fit nothing."""

    named: tuple[tuple[Path, Name], ...] = ()
    unmatched: tuple[Path, ...] = ()
    findings: tuple[Finding, ...] = ()
    read_as: str = ""


def list_folder(root: Path, stated: Acquisition) -> Listing:
    """The image files of a folder by the pattern, the preset or, without both, any preset.

    Raises:
        SettingsError: The pattern or preset is not valid, or leads out of the root.
    """
    preset = find_preset(stated.preset) if stated.preset else None
    pattern = None
    folder = ""
    if preset is not None:
        folder = (stated.pattern or "").rstrip("/")
        if "{" in folder:
            raise SettingsError(
                f"the images pattern '{folder}' has placeholders beside the preset "
                f"'{preset.name}'. Name the folder alone, or leave the preset out."
            )
    elif stated.pattern and "{" not in stated.pattern and (root / stated.pattern).is_dir():
        folder = stated.pattern
    elif stated.pattern:
        pattern = compile_pattern(stated.pattern, suffixes=SUFFIXES)
        folder = pattern.folder
    base = _inside(root, folder)
    if not base.is_dir():
        return Listing(findings=(_nothing(base, "the folder does not exist"),))
    return _listed(list(_walk(base)), base, pattern or preset, stated)


def list_files(paths: Iterable[Path], stated: Acquisition) -> Listing:
    """The same for single files that a person named; the pattern sees their names alone."""
    files = list(paths)
    explain: NamePattern | Preset | None = None
    if stated.preset:
        explain = find_preset(stated.preset)
    elif stated.pattern:
        explain = compile_pattern(stated.pattern, suffixes=SUFFIXES)
    common = Path(os.path.commonpath([path.parent for path in files])) if files else Path()
    return _listed(files, common, explain, stated)


def _inside(root: Path, folder: str) -> Path:
    """The folder of a pattern; only an absolute path may lie outside the root."""
    base = root / folder
    if not Path(folder).is_absolute() and not base.resolve().is_relative_to(root.resolve()):
        raise SettingsError(
            f"the images folder '{folder}' leads out of {root}. "
            "Write the absolute path if the images really lie elsewhere."
        )
    return base


def _walk(base: Path) -> Iterator[Path]:
    """All files below, hidden ones left out, in the order of their names."""
    for folder, names, files in os.walk(base):
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".") and not name.endswith(_FOLDERS_OF_OTHERS)
        )
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder, name)


def _listed(
    files: list[Path], start: Path, explain: NamePattern | Preset | None, stated: Acquisition
) -> Listing:
    images = [path for path in files if path.suffix.lower() in SUFFIXES]
    others = [path for path in files if path.suffix.lower() in _OTHER_IMAGES]
    findings = [_unsupported(others)] if others else []
    if not images:
        found = "it holds no image" if files else "it is empty"
        return Listing((), tuple(others), (*findings, _nothing(start, found)))
    relative = {path: path.relative_to(start).as_posix() for path in images}
    if explain is None:
        explain, more = _guess(relative.values())
        findings += more
    if explain is None:
        in_time = stated.interval_h is not None or stated.times_h is not None
        named, more = _unexplained(relative, in_time=in_time)
        return Listing(tuple(named), tuple(others), (*findings, *more))
    named, unmatched = _explained(relative, explain, stated)
    label = explain.text if isinstance(explain, NamePattern) else explain.name
    if not named:
        findings.append(_none_fits(unmatched, relative, label))
    elif unmatched:
        findings.append(_some_do_not_fit(unmatched, label))
    named, more = _with_wells(named, stated)
    return Listing(tuple(named), (*unmatched, *others), (*findings, *more), label)


def _explained(
    relative: dict[Path, str], explain: NamePattern | Preset, stated: Acquisition
) -> tuple[list[tuple[Path, Name]], list[Path]]:
    match = _matcher(explain)
    named, unmatched = [], []
    for path, text in relative.items():
        name = match(text)
        if name is not None:
            named.append((path, name))
        elif not (isinstance(explain, Preset) and explain.skips(_stem(text))):
            unmatched.append(path)
    return named, unmatched


def _matcher(explain: NamePattern | Preset) -> Callable[[str], Name | None]:
    if isinstance(explain, NamePattern):
        return explain.match
    return lambda text: explain.match(_stem(text))


def _stem(relative: str) -> str:
    """The path without its ending; `.ome` belongs to the ending."""
    stem = relative[: relative.rfind(".")] if "." in relative.rpartition("/")[2] else relative
    return stem[:-4] if stem.lower().endswith(".ome") else stem


def _guess(names: Iterable[str]) -> tuple[Preset | None, list[Finding]]:
    """The preset that explains most of the names, if it explains at least half of them."""
    every = list(names)
    stems = [_stem(name) for name in every[:: len(every) // _ASKED + 1]]
    claims = Counter(
        {preset: sum(preset.match(stem) is not None for stem in stems) for preset in PRESETS}
    )
    (best, most), *rest = claims.most_common()
    if not most or most < len(stems) / 2:
        return None, []
    rivals = [preset.name for preset, count in rest if count]
    if not rivals:
        return best, []
    return best, [
        Finding(
            "two-presets",
            "warning",
            best.name,
            f"some names are those of {best.systems}, others those of '{', '.join(rivals)}'.",
            "Keep the instruments in folders of their own, or state the preset.",
        )
    ]


def _unexplained(
    relative: dict[Path, str], *, in_time: bool
) -> tuple[list[tuple[Path, Name]], list[Finding]]:
    """Each file as a field of its own; where times are stated, numbered files as a series."""
    alone = [(path, Name(field=_stem(text))) for path, text in relative.items()]
    if not in_time:
        return alone, []
    named, count = [], Counter[str]()
    for path, name in alone:
        found = _ELAPSED.search(name.field) or _LAST_NUMBER.search(name.field)
        moment = parse_time(found[0]) if found else None
        if found and moment:
            label = f"{name.field[: found.start()]}*{name.field[found.end() :]}"
            name = Name(field=label, moment=moment)
        count[name.field] += 1
        named.append((path, name))
    findings = [
        Finding(
            "series-guessed",
            "note",
            label,
            f"{number} files named '{label}' count as one series, in the order of '*'.",
            "State a pattern such as '{field}_{time}' if that is wrong.",
        )
        for label, number in count.items()
        if number > 1
    ]
    return named, findings


def _with_wells(
    named: list[tuple[Path, Name]], stated: Acquisition
) -> tuple[list[tuple[Path, Name]], list[Finding]]:
    """Names whose wells are only numbered get their letter from the stated plate format."""
    numbered = [name for _, name in named if name.well_number is not None and not name.well]
    if not numbered:
        return named, []
    if stated.plate_format not in PLATE_FORMATS:
        finding = Finding(
            "well-number",
            "error",
            f"{len(numbered)} images",
            "the names number the wells along the rows, which needs the size of the plate.",
            "State plate_format, for example 96.",
        )
        return named, [finding]
    columns = PLATE_FORMATS[stated.plate_format][1]
    lettered = []
    for path, name in named:
        if name.well_number is not None and not name.well:
            row, column = divmod(name.well_number - 1, columns)
            name = replace(name, well=well_at(row, column))
        lettered.append((path, name))
    return lettered, []


def _nothing(folder: Path, why: str) -> Finding:
    return Finding(
        "no-images",
        "error",
        str(folder),
        f"there are no images: {why}.",
        "Correct the folder or the pattern of the images, or copy the images there. "
        f"Endings that are read: {', '.join(sorted(SUFFIXES))}.",
    )


def _none_fits(unmatched: list[Path], relative: dict[Path, str], label: str) -> Finding:
    example = relative[unmatched[0]] if unmatched else next(iter(relative.values()))
    return Finding(
        "no-images",
        "error",
        example,
        f"none of {len(relative)} images fits '{label}'.",
        "Write the pattern so that it fits this name, for example '{well}_{field}_{time}.tif'.",
    )


def _some_do_not_fit(unmatched: list[Path], label: str) -> Finding:
    return Finding(
        "unmatched-images",
        "warning",
        _some(unmatched),
        f"{len(unmatched)} images do not fit '{label}' and are left out.",
        "Rename them if they belong to the study, or move them elsewhere.",
    )


def _unsupported(others: list[Path]) -> Finding:
    return Finding(
        "unsupported-format",
        "warning",
        _some(others),
        f"{len(others)} files are images or movies of a format that is not read.",
        "Export them as TIFF from the software of the instrument.",
    )


def _some(paths: list[Path]) -> str:
    names = ", ".join(path.name for path in paths[:_NAMED])
    return names + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")
