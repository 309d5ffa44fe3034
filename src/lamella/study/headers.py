"""Which headers of pictures were read by an earlier run, and still stand?

A plan of 96 wells and 24 frames opens 2,304 files to learn what they said the last time. The
file of remembered headers may be deleted at any time: they are then read again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lamella import __version__
from lamella.inputs.images.formats import FORMATS, inspect
from lamella.inputs.images.header import Header, ImageFormat, Plane, Problem
from lamella.study.hashes import digest
from lamella.study.parts import write_json

__all__ = ["HEADERS_FILE", "Headers"]

HEADERS_FILE = "headers.json"
_FORMATS = {image_format.name: image_format for image_format in FORMATS}
# A file that was written a moment ago may be written again within the same tick of its clock.
_SETTLED_NS = 3_000_000_000

_Stamp = tuple[int, int, int]
_Known = tuple[Header, ImageFormat]


class Headers:
    """Reads headers, and those of unchanged files from what the last run remembered.

    A file is unchanged while its size, its time of change and the time at which the file
    system last touched its entry are the same.
    """

    def __init__(self, file: Path, root: Path) -> None:
        """Remember in `file`; names are kept relative to `root`."""
        self._file = file
        self._prefix = f"{root}{os.sep}"
        self._known = _read(file)
        self._seen: dict[str, tuple[_Stamp, _Known]] = {}

    def inspect(self, path: Path) -> tuple[Header, ImageFormat]:
        """As `lamella.inputs.images.formats.inspect`, without opening an unchanged file."""
        name = str(path).removeprefix(self._prefix)
        known = self._known.get(name)
        stamp = _stamp(path)
        if known is not None and known[0] == stamp:
            self._seen[name] = known
            return known[1]
        settled = time.time_ns() - _SETTLED_NS
        found = inspect(path)
        if stamp is not None and max(stamp[1:]) < settled:
            self._seen[name] = (stamp, found)
        return found

    def save(self) -> None:
        """Remember the headers of this run, unless that would say what stands there already."""
        if self._seen != self._known:
            write_json(self._file, _document(self._seen), indent=None)


def _stamp(path: Path) -> _Stamp | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _document(seen: Mapping[str, tuple[_Stamp, _Known]]) -> dict[str, Any]:
    """Every distinct header once: the pictures of a plate say the same."""
    kinds: dict[tuple[Header, str], int] = {}
    files = {
        name: [*stamp, kinds.setdefault((header, image_format.name), len(kinds))]
        for name, (stamp, (header, image_format)) in seen.items()
    }
    headers = [[name, asdict(header)] for header, name in kinds]
    content = {"lamella": __version__, "headers": headers, "files": files}
    return content | {"digest": digest(content)}


def _read(file: Path) -> dict[str, tuple[_Stamp, _Known]]:
    """What was remembered; nothing where the file is missing, damaged or of another version."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content.pop("digest") != digest(content) or content["lamella"] != __version__:
            return {}
        kinds = [(_header(raw), _FORMATS[name]) for name, raw in content["headers"]]
        return {
            name: ((size, changed, touched), kinds[kind])
            for name, (size, changed, touched, kind) in content["files"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        return {}


def _header(raw: Mapping[str, Any]) -> Header:
    planes = tuple(Plane(**{**plane, "shape": tuple(plane["shape"])}) for plane in raw["planes"])
    problems = tuple(Problem(**problem) for problem in raw["problems"])
    return Header(**{**raw, "planes": planes, "problems": problems})
