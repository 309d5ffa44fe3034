"""Every error that a user of Lamella can meet, on one page.

Each message says what is wrong, where, and what to do. Errors in the use of a function by a
programmer stay `TypeError` and `ValueError`; only `lamella.app` prints or exits.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "DecisionError",
    "FitError",
    "ImageError",
    "MeasurementError",
    "MissingExtraError",
    "PlateMapError",
    "SettingsError",
    "StudyError",
    "UnitError",
    "nearest",
]


class StudyError(Exception):
    """Something in the study or its data stops the work; the message says what to do."""


class UnitError(StudyError):
    """A dose, length or time cannot be read, or carries no unit."""


class SettingsError(StudyError):
    """`study.toml` or a setting is not valid."""


class PlateMapError(StudyError):
    """A plate map is not valid."""


class ImageError(StudyError):
    """An image cannot be opened, is damaged or is larger than allowed."""


class MeasurementError(StudyError):
    """A quantity is not defined for this input."""


class FitError(StudyError):
    """A dose-response table cannot be fitted as given."""


class DecisionError(StudyError):
    """A line of `decisions.jsonl` is not valid."""


class MissingExtraError(StudyError):
    """An optional library is not installed; the message names the command that installs it."""


def nearest(word: str, choices: Iterable[str]) -> str:
    """The valid choice nearest to a mistyped word, as the tail of an error message.

    >>> nearest("pixel_mu", ["pixel_um", "images"])
    "Did you mean 'pixel_um'?"
    >>> nearest("colour", ["kind", "images"])
    "Valid are: 'images', 'kind'."
    >>> nearest("nm", ["nM", "au"])
    "Did you mean 'nM'?"
    """
    known = sorted(set(choices))
    small = {choice.lower(): choice for choice in known}
    close = get_close_matches(word.lower(), small, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{small[close[0]]}'?"
    return "Valid are: " + ", ".join(f"'{choice}'" for choice in known) + "."
