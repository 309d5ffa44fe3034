"""Models of signalling as files for other programs: one line a format.

>>> sorted(MODEL_FORMATS)
['antimony', 'sbgn', 'sbml']
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from lamella.export.antimony import antimony_text
from lamella.export.sbgn import sbgn_text
from lamella.export.sbml import sbml_text
from lamella.signalling.network import Network

__all__ = ["MODEL_FORMATS", "write_model"]

MODEL_FORMATS: Final[Mapping[str, tuple[str, Callable[[Network], str]]]] = {
    "sbml": (".xml", sbml_text),
    "antimony": (".ant", antimony_text),
    "sbgn": (".sbgn", sbgn_text),
}
"""Format -> ending of the file, and the text of a network."""


def write_model(network: Network, form: str, out_dir: Path) -> Path:
    """Write a network in a format of `MODEL_FORMATS`; returns the path."""
    ending, text = MODEL_FORMATS[form]
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / f"{network.id}{ending}"
    path.write_text(text(network), encoding="utf-8")
    return path
