"""Models of signalling as files for other programs: one line a format.

>>> sorted(MODEL_FORMATS)
['antimony', 'omex', 'sbgn', 'sbml']
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from lamella.export.antimony import antimony_text
from lamella.export.omex import write_omex
from lamella.export.sbgn import sbgn_text
from lamella.export.sbml import sbml_text
from lamella.signalling.network import Network

__all__ = ["MODEL_FORMATS", "write_model"]


def _written(text: Callable[[Network], str]) -> Callable[[Network, Path], Path]:
    def write(network: Network, path: Path) -> Path:
        path.write_text(text(network), encoding="utf-8")
        return path

    return write


MODEL_FORMATS: Final[Mapping[str, tuple[str, Callable[[Network, Path], Path]]]] = {
    "sbml": (".xml", _written(sbml_text)),
    "antimony": (".ant", _written(antimony_text)),
    "sbgn": (".sbgn", _written(sbgn_text)),
    "omex": (".omex", write_omex),
}
"""Format -> ending of the file, and what writes a network to a path."""


def write_model(network: Network, form: str, out_dir: Path) -> Path:
    """Write a network in a format of `MODEL_FORMATS`; returns the path."""
    ending, write = MODEL_FORMATS[form]
    out_dir.mkdir(parents=True, exist_ok=True)
    return write(network, out_dir / f"{network.id}{ending}")
