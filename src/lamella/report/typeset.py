"""How are numbers, doses and names printed? In one way, here, for every figure and table."""

from __future__ import annotations

import math
import re
from unicodedata import normalize

from lamella.units import Dose, dose_unit_scale, format_dose

__all__ = ["bracketed", "clipped", "counted", "dose", "file_stem", "listed", "number", "words"]

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUS = "\N{MINUS SIGN}"
_THIN = "\N{NARROW NO-BREAK SPACE}"


def number(value: float | None, *, digits: int = 3) -> str:
    """A number for the eye: significant digits, a real minus, thin spaces between thousands.

    Digits before the decimal point are never rounded away.

    >>> number(0.012345), number(-3.14159), number(1234.5), number(None)
    ('0.0123', '−3.14', '1234', '–')
    >>> number(4.2e-7), number(25000.0).replace("\\u202f", " ")
    ('4.2×10⁻⁷', '25 000')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else _MINUS + "∞"
    if value == 0:
        return "0"
    size = abs(value)
    if not 1e-4 <= size < 1e7:
        mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
        power = str(int(exponent)).translate(_SUPERSCRIPT)
        text = f"{_trimmed(mantissa)}×10{power}"
    else:
        decimals = max(0, digits - 1 - math.floor(math.log10(size)))
        text = _trimmed(f"{size:.{decimals}f}")
        if size >= 10_000:
            text = f"{round(size):,}".replace(",", _THIN)
    return (_MINUS if value < 0 else "") + text


def dose(value: float, unit: str) -> str:
    """A dose in the unit that a person would choose.

    >>> dose(0.0737, "µM"), dose(16, "au"), dose(0, "nM")
    ('73.7 nM', '16 au', '0')
    """
    dimension, factor = dose_unit_scale(unit)
    return format_dose(Dose(value * factor, dimension), digits=3)


def counted(n: int, thing: str) -> str:
    """A count with its noun.

    >>> counted(1, "batch"), counted(3, "batch"), counted(0, "well")
    ('1 batch', '3 batches', '0 wells')
    """
    if n == 1:
        return f"1 {thing}"
    return f"{n} {thing}{'es' if thing.endswith(('ch', 's', 'x')) else 's'}"


def listed(names: list[str], *, most: int = 8) -> str:
    """Names as a phrase, the rest counted.

    >>> listed(["B02", "B03"]), listed([f"A{i}" for i in range(9)], most=2)
    ('B02, B03', 'A0, A1 and 7 more')
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def bracketed(label: str, unit: str) -> str:
    """The title of an axis or a column: every quantity states its unit.

    >>> bracketed("Edge speed", "µm/h"), bracketed("Fraction", "")
    ('Edge speed [µm/h]', 'Fraction [no unit]')
    """
    return f"{label} [{unit or 'no unit'}]"


def words(code: str) -> str:
    """A code such as `low_contrast` as words; a sentence stays as it is."""
    return code if " " in code else code.replace("_", " ")


def clipped(text: str, most: int) -> str:
    """A text of at most so many characters, its cut marked.

    >>> clipped("defactinib", 6)
    'defac…'
    """
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def file_stem(text: str) -> str:
    """A name that every file system takes.

    >>> file_stem("Closure: 24 h / <b>")
    'closure-24-h-b'
    """
    plain = normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "figure"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
