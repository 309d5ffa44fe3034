"""What does the name of an image file state: well, field, time, channel?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from lamella.errors import SettingsError, nearest
from lamella.inputs.well_names import well_name

__all__ = ["PLACEHOLDERS", "Moment", "Name", "NamePattern", "compile_pattern", "parse_time"]

PLACEHOLDERS = ("plate", "well", "field", "time", "channel", "z")
"""Words that may stand in braces in a pattern of the user; `*` stands for any text."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as a name states it: one of the three, or none.

    Attributes:
        index: Number of the scan, as printed.
        elapsed_h: Hours since the first scan.
        clock: Local time of the day.
    """

    index: int | None = None
    elapsed_h: float | None = None
    clock: datetime | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """All that a file name states, in one spelling.

    `well` is like `B02`; numbers have no leading zeros; "" is not stated. `variant` tells
    apart pictures of one place that must never be one series (read step, view, action).
    `well_number` counts the wells along the rows where no letter is given.
    """

    plate: str = ""
    well: str = ""
    field: str = ""
    channel: str = ""
    z: str = ""
    moment: Moment = Moment()
    variant: str = ""
    well_number: int | None = None


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A pattern of the user, ready to be matched against paths below its folder.

    Attributes:
        text: As written.
        folder: Its leading folders without placeholders, "" where there are none.
    """

    text: str
    folder: str
    _regex: re.Pattern[str]
    _time_unit: str = ""

    def match(self, relative: str) -> Name | None:
        """What a path (with `/`, relative to `folder`) states, or None where it does not fit."""
        found = self._regex.fullmatch(relative)
        if found is None:
            return None
        parts = found.groupdict()
        moment = Moment()
        if "time" in parts:
            moment = parse_time(parts["time"] + self._time_unit) or Moment()
        return Name(
            plate=parts.get("plate", ""),
            well=well_name(parts["well"]) or "" if "well" in parts else "",
            field=plain(parts.get("field", "")),
            channel=parts.get("channel", ""),
            z=plain(parts.get("z", "")),
            moment=moment,
        )


def plain(number: str) -> str:
    """A number without leading zeros; other text as it is.

    >>> plain("007"), plain("F07")
    ('7', 'F07')
    """
    return str(int(number)) if number.isascii() and number.isdigit() else number


def parse_time(text: str) -> Moment | None:
    """The time that a part of a name states, or None where it states none.

    >>> parse_time("00d02h30m").elapsed_h, parse_time("24h").elapsed_h, parse_time("T003").index
    (2.5, 24.0, 3)
    >>> parse_time("2026y10m05d_14h30m").clock.isoformat()
    '2026-10-05T14:30:00'
    """
    found = _INDEX.fullmatch(text)
    if found is not None:
        return Moment(index=int(found[1]))
    found = _ELAPSED.fullmatch(text)
    if found is not None and any(found.groups()):
        days, hours, minutes, seconds = (
            float((part or "0").replace(",", ".")) for part in found.groups()
        )
        return Moment(elapsed_h=days * 24 + hours + minutes / 60 + seconds / 3600)
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        return Moment(clock=datetime(year, month, day, hour, minute, second))
    except ValueError:
        return None


def compile_pattern(text: str, *, suffixes: frozenset[str]) -> NamePattern:
    """A pattern such as `images/{plate}/{well}_{field}_{time}.tif`, checked.

    Letters match without case. Without an ending any of `suffixes` will do. A placeholder
    that stands twice must read the same twice. A unit may follow `{time}`, as in `{time}h`.

    Raises:
        SettingsError: An unknown placeholder, a brace without its partner, two placeholders
            with nothing between them, or none at all.

    >>> pattern = compile_pattern("{plate}/{well}_{field}_{time}h", suffixes=frozenset({".tif"}))
    >>> name = pattern.match("P1/b2_01_24h.TIF")
    >>> name.plate, name.well, name.field, name.moment.elapsed_h
    ('P1', 'B02', '1', 24.0)
    """
    fixed = re.match(r"[^{*]*/", text)
    folder = fixed[0] if fixed else ""
    tokens = _tokens(text, start=len(folder))
    regex, seen, unit = "", set[str](), ""
    for place, (literal, word) in enumerate(tokens):
        if word:
            regex += f"(?P={word})" if word in seen else f"(?P<{word}>{_WORDS[word]})"
            seen.add(word)
            following = tokens[place + 1][0] if place + 1 < len(tokens) else ""
            if word == "time" and (after := re.match(r"(?:h|min|d|s)(?![A-Za-z])", following)):
                unit = after[0]
        else:
            regex += "[^/]*".join(re.escape(part) for part in literal.split("*"))
    if not seen:
        raise SettingsError(
            f"the images pattern '{text}' has no placeholder. "
            f"Write for example '{{well}}_{{field}}_{{time}}.tif', or a preset."
        )
    if not any(text.lower().endswith(suffix) for suffix in suffixes):
        regex += "(?:" + "|".join(re.escape(suffix) for suffix in sorted(suffixes)) + ")"
    return NamePattern(text, folder, re.compile(regex, re.IGNORECASE), unit)


_INDEX = re.compile(r"(?:t|tp|time|timepoint|frame)?[-=]?(\d{1,9})", re.IGNORECASE)
_NUMBER = r"(\d+(?:[.,]\d+)?)"
_ELAPSED = re.compile(
    rf"(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m(?:in)?)?(?:{_NUMBER}s)?", re.IGNORECASE
)
_CLOCK = re.compile(
    r"(\d{4})[-y]?(\d{2})[-m]?(\d{2})d?[-_T ](\d{2})[-:h]?(\d{2})m?(?:[-:]?(\d{2})s?)?"
)
_TIMES = (
    r"(?:t|tp|time|timepoint|frame)?[-=]?\d{1,9}",
    r"(?:\d+(?:[.,]\d+)?(?:d|h|min|m|s))+",
    r"\d{4}[-y]?\d{2}[-m]?\d{2}d?[-_T ]\d{2}[-:h]?\d{2}m?(?:[-:]?\d{2}s?)?",
)
_WORDS = dict.fromkeys(PLACEHOLDERS, r"[^/]+?") | {
    "well": r"[A-Za-z]{1,2}\d{1,3}",
    "time": "|".join(_TIMES),
}


def _tokens(text: str, *, start: int) -> list[tuple[str, str]]:
    """The pattern from `start` on as (literal, "") and ("", placeholder) in turn."""
    tokens: list[tuple[str, str]] = []
    for part in re.compile(r"\{([^{}]*)\}|([^{}]+)|([{}])").finditer(text, start):
        where = f"the images pattern '{text}', character {part.start() + 1}"
        word, literal, brace = part.groups()
        if brace:
            raise SettingsError(f"{where}: '{brace}' has no partner. Write '{{well}}'.")
        if literal:
            tokens.append((literal, ""))
            continue
        if word not in PLACEHOLDERS:
            raise SettingsError(
                f"{where}: placeholder '{{{word}}}' is not known. {nearest(word, PLACEHOLDERS)}"
            )
        if tokens and tokens[-1][1] and "well" not in (word, tokens[-1][1]):
            raise SettingsError(
                f"{where}: nothing stands between '{{{tokens[-1][1]}}}' and '{{{word}}}', "
                "so nobody can tell where one ends. Put a sign between them."
            )
        tokens.append(("", word))
    return tokens
