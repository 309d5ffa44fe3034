"""How do the instruments name their files? The one table of presets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lamella.errors import SettingsError, nearest
from lamella.inputs.images.names import Moment, Name, parse_time, plain
from lamella.inputs.well_names import well_at, well_name

__all__ = ["PRESETS", "Preset", "find_preset"]

_Parts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Preset:
    """The way in which one make of instrument names its files.

    Attributes:
        name: As in `preset = "incucyte"`.
        systems: For people.
        forms: The path without its ending, from the left or from a folder on.
        skip: Names that are no measurement (thumbnails).
        note: What to know before trusting the names.
    """

    name: str
    systems: str
    forms: tuple[re.Pattern[str], ...]
    note: str = ""
    skip: re.Pattern[str] | None = None

    def match(self, stem: str) -> Name | None:
        """What a path with `/` and without its ending states; None where it is not ours."""
        if self.skip is not None and self.skip.search(stem):
            return None
        for form in self.forms:
            found = form.search(stem)
            if found is not None:
                parts = {key: text for key, text in found.groupdict().items() if text}
                return _name(parts, stem)
        return None

    def skips(self, stem: str) -> bool:
        """Whether the instrument wrote the file for display only."""
        return self.skip is not None and self.skip.search(stem) is not None


def find_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        SettingsError: There is none of that name.
    """
    for preset in PRESETS:
        if preset.name == name.lower():
            return preset
    known = nearest(name, (preset.name for preset in PRESETS))
    raise SettingsError(f"preset '{name}' is not known. {known}")


def _form(text: str) -> re.Pattern[str]:
    """A form that begins at the file name; spaces and line ends in `text` mean nothing."""
    return re.compile(r"(?:^|/)" + text + "$", re.VERBOSE)


_LETTERS = r"(?P<row>[A-Z]{1,2})"
_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"

PRESETS: tuple[Preset, ...] = (
    Preset(
        "incucyte",
        "Incucyte image export and archive (ScanData)",
        (
            _form(
                r"""(?:(?P<prefix>[^/]+)_)?(?P<row>[A-P])(?P<col>\d{1,2})_(?P<field>\d{1,2})_
                (?P<time>\d{2,3}d\d{2}h\d{2}m|\d{4}y\d{2}m\d{2}d_\d{2}h\d{2}m)"""
            ),
            _form(
                r"""ScanData/(?P<year_month>\d{4})/(?P<day>\d{2})/(?P<hour_minute>\d{4})/
                (?P<plate>\d+)/(?P<row>[A-P])(?P<col>\d{1,2})-(?P<field>\d+)-(?P<channel>Ph|C\d)"""
            ),
        ),
        "A pixel is often 1.24 µm with the 10x objective, 2.82 µm with 4x, 0.62 µm with 20x.",
    ),
    Preset(
        "operetta",
        "Operetta, Opera Phenix (Harmony)",
        (
            _form(
                r"""r(?P<row_number>\d{2})c(?P<col>\d{2})f(?P<field>\d{2,4})
                (?:p(?P<z>\d{2,3}))?(?:rc\d+)?-ch(?P<channel>\d+)sk(?P<time>\d+)fk\d+fl\d+"""
            ),
        ),
    ),
    Preset(
        "imagexpress",
        "ImageXpress (MetaXpress)",
        (
            _form(
                rf"""(?:(?P<plate>[^/]+)_)?{_LETTERS}(?P<col>\d{{2}})
                (?=_s\d|_w\d|{_GUID}$)(?:_s(?P<field>\d+))?(?:_w(?P<channel>\d))?(?:{_GUID})?"""
            ),
        ),
        skip=re.compile(r"_thumb"),
    ),
    Preset(
        "cytation",
        "Cytation, Lionheart (Gen5)",
        (
            _form(
                rf"""{_LETTERS}(?P<col>\d{{1,2}})(?:ROI(?P<roi>\d+))?_(?P<step>-?\d+)_\d+_
                (?P<field>\d+)(?:Z(?P<z>\d+))?_(?P<channel>[^/]+)_(?P<time>\d{{3,}})"""
            ),
            _form(
                rf"""{_LETTERS}(?P<col>\d{{1,2}})_(?P<field>-?\d+)(?:Z(?P<z>\d+))?_
                (?:(?P<channel>[^_\[\]/]+)|(?P<derived>[A-Z][a-z]+)\[(?:[^_\]/]+_)?(?P<inner>[^\]/]+)\])
                _\d+_(?P<time>\d+)_(?P<step>-?\d+)?"""
            ),
        ),
        "Read steps may be other objectives; a negative one is a derived picture, not raw counts.",
    ),
    Preset(
        "evos",
        "EVOS",
        (
            _form(
                r"""(?P<plate>[^/]+)_(?P<vessel>[^_/]+)_(?P<view>[A-Z]{1,2}\d?)_p(?P<time>\d+)
                (?:_z(?P<z>\d+))?_\d+_(?P<row>[A-P])(?P<col>\d{2})f(?P<field>\d+)(?P<channel>d\d)"""
            ),
        ),
        "View R holds the raw counts, D what was displayed, M the merged colours.",
    ),
    Preset(
        "cellvoyager",
        "CellVoyager CV7000, CV8000",
        (
            _form(
                rf"""(?P<plate>[^/]+)_{_LETTERS}(?P<col>\d{{2}})_T(?P<time>\d{{4}})F(?P<field>\d{{3,4}})
                L(?P<line>\d{{2}})A(?P<action>\d{{2}})Z(?P<z>\d{{2,3}})C(?P<channel>\d{{2}})"""
            ),
        ),
    ),
    Preset(
        "scanr",
        "ScanR",
        (
            _form(
                r"""(?:(?P<label>[^/]*?)--)?W(?P<number>\d{5})--P(?P<field>\d{5})--Z(?P<z>\d{5})
                --T(?P<time>\d{5})--(?P<channel>[^/]+)"""
            ),
        ),
        "Wells are counted along the rows, so the plate format must be stated.",
    ),
    Preset(
        "acquifer",
        "ACQUIFER",
        (
            _form(
                r"""(?:WE\d{5}-)?-+(?P<row>[A-P])(?P<col>\d{3})--PO(?P<field>\d{2})--LO(?P<time>\d{3})
                --CO(?P<channel>\d)--SL(?P<z>\d{3})--[^/]*"""
            ),
        ),
    ),
    Preset(
        "nikon",
        "Nikon plate",
        (
            _form(
                r"""(?P<plate>[^/]*?)_?Well(?P<row>[A-P])(?P<col>\d{2})_Channel(?P<channel>[^/]+)
                _Seq\d{4}"""
            ),
        ),
    ),
)
"""The presets; no name of a file fits two of them."""

_CHANNEL_WORD = re.compile(r"(?:^|-)((?:phase|green|red|orange|nir)[^-]*)$", re.IGNORECASE)
_TIME_FOLDER = re.compile(r"(?:^|/)TimePoint_(\d+)/", re.IGNORECASE)
_Z_FOLDER = re.compile(r"(?:^|/)ZStep_(\d+)/", re.IGNORECASE)


def _name(parts: _Parts, stem: str) -> Name:
    plate, channel, dropped = _prefix(parts, stem)
    variant = [
        parts[key]
        for key in ("vessel", "view", "step", "roi", "line", "action", "derived")
        if key in parts
    ]
    return Name(
        plate=plate,
        well=_well(parts),
        field=plain(parts.get("field", "")),
        channel=plain(channel),
        z=plain(parts.get("z", "") or _folder(_Z_FOLDER, stem)),
        moment=_moment(parts, stem),
        variant=" ".join([*variant, *dropped]),
        well_number=int(parts["number"]) if "number" in parts else None,
    )


def _prefix(parts: _Parts, stem: str) -> tuple[str, str, list[str]]:
    """Plate, channel and what is neither: an Incucyte prefix may hold all three."""
    channel = parts.get("channel", "") or parts.get("inner", "")
    words = parts.get("prefix", "").split("_") if "prefix" in parts else []
    dropped: list[str] = []
    for place, word in enumerate(words):
        found = _CHANNEL_WORD.search(word)
        if found is not None:
            channel = found[1]
            dropped = [word[: found.start()]] if found.start() else []
            del words[place]
            break
    folder = stem.rpartition("/")[0].rpartition("/")[2]
    if not channel and _CHANNEL_WORD.search(folder):
        channel = folder
    return parts.get("plate", "") or "_".join(words), channel, dropped


def _well(parts: _Parts) -> str:
    if "row_number" in parts:
        return well_at(int(parts["row_number"]) - 1, int(parts["col"]) - 1)
    if "row" in parts:
        return well_name(parts["row"] + parts["col"]) or ""
    return well_name(parts.get("label", "")) or ""


def _moment(parts: _Parts, stem: str) -> Moment:
    if "year_month" in parts:
        written = "20{year_month}{day}{hour_minute}".format(**parts)
        try:
            return Moment(clock=datetime.strptime(written, "%Y%m%d%H%M"))
        except ValueError:
            return Moment()
    return parse_time(parts.get("time", "") or _folder(_TIME_FOLDER, stem)) or Moment()


def _folder(form: re.Pattern[str], stem: str) -> str:
    found = form.search(stem)
    return found[1] if found else ""
