"""How does a model travel whole? A COMBINE archive: SBML, its simulation, its drawing, sources."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

from lamella.export.sbgn import sbgn_text
from lamella.export.sbml import sbml_text
from lamella.export.sedml import sedml_text
from lamella.signalling.network import Network

__all__ = ["write_omex"]

_COMBINE = "http://identifiers.org/combine.specifications"
_THEN = (1980, 1, 1, 0, 0, 0)


def write_omex(network: Network, path: Path) -> Path:
    """Write a COMBINE archive; the same model always gives the same bytes. Returns `path`."""
    name = network.id
    parts = {
        f"{name}.xml": (f"{_COMBINE}/sbml.level-3.version-2", sbml_text(network)),
        f"{name}.sedml": (
            f"{_COMBINE}/sed-ml.level-1.version-4",
            sedml_text(network, source=f"{name}.xml"),
        ),
        f"{name}.sbgn": (f"{_COMBINE}/sbgn.pd", sbgn_text(network)),
        "constants.csv": ("http://purl.org/NET/mediatypes/text/csv", _constants(network)),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, text in {"manifest.xml": _manifest(parts), **_texts(parts)}.items():
            archive.writestr(zipfile.ZipInfo(file, _THEN), text, zipfile.ZIP_DEFLATED)
    return path


def _texts(parts: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {file: text for file, (_, text) in parts.items()}


def _manifest(parts: dict[str, tuple[str, str]]) -> str:
    master = next(file for file in parts if file.endswith(".sedml"))
    rows = [
        '<content location="." format="http://identifiers.org/combine.specifications/omex"/>',
        '<content location="./manifest.xml" '
        'format="http://identifiers.org/combine.specifications/omex-manifest"/>',
    ]
    for file, (kind, _) in parts.items():
        first = ' master="true"' if file == master else ""
        rows.append(f'<content location="./{file}" format="{kind}"{first}/>')
    space = "http://identifiers.org/combine.specifications/omex-manifest"
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<omexManifest xmlns="{space}">'
    return "\n".join([head, *rows, "</omexManifest>", ""])


def _constants(network: Network) -> str:
    """Every constant with its standing and source: the provenance of the model."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("id", "value", "unit", "prior_log10_sd", "standing", "source"))
    for one in network.parameters:
        spread = one.prior.log10_sd if one.prior else ""
        writer.writerow((one.id, one.value, one.unit, spread, one.standing, one.source))
    return buffer.getvalue()
