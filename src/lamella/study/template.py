"""Writes a new study folder: a `study.toml` and a plate map to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from lamella.assays import ASSAYS
from lamella.errors import SettingsError, nearest
from lamella.study.model import STUDY_FILE

__all__ = ["write_template"]

_STUDY = """\
# What was done. Every key is described in the documentation; unknown keys are errors.
[study]
title = "Title of the study"
compound = {{ name = "defactinib", form = "free base", stock = "10 mM", solvent = "DMSO" }}
cell_line = "name of the cell line"
# evidence = ["T2.1"]       # rows of 'lamella evidence' that the plan rests on
# dose_unit = "nM"          # only where the plate map writes doses without a unit

# [study.cell_lines."name of the cell line"]
# accession = "CVCL_...."   # from cellosaurus.org; for a line of your own say so
# organism = "human"
# doubling_time_h = 24
# str_date = "2026-03-01"
# passage = "12 to 18"
# mycoplasma = "negative 2026-05-02"

# [study.reporting]         # one sentence each; 'not done' is an answer
# n_is = "independent experiments"
# randomisation = "..."
# blinding = "..."
# exclusion = "..."
# approach = "in vitro"

[[assay]]
kind = "{kind}"
# {places} stand for what differs between file names.
images = "{images}"
# preset = "incucyte"       # in place of a pattern: the file names of an instrument
# pixel_um = 1.24           # where the images do not state it
{inputs}{start}
[assay.protocol]            # facts that the checks and comparisons need
{protocol}
[assay.settings]            # only what differs from the defaults
{settings}"""

_DOSES_NM = (10, 30, 100, 300, 1000, 3000, 10000)
_MAP_HEADER = "plate,well,batch,role,compound,dose"


def write_template(assay: str, folder: Path) -> tuple[Path, ...]:
    """Write the files of a new study; returns their paths.

    Raises:
        SettingsError: The assay is not known, or the folder already holds a study.
    """
    known = {item.name: item.template for item in ASSAYS}
    if assay not in known:
        raise SettingsError(f"assay '{assay}' is not known. {nearest(assay, known)}")
    study, plate = folder / STUDY_FILE, folder / "plates" / "plate1.csv"
    for path in (study, plate):
        if path.exists():
            raise SettingsError(f"{path} is already there. Choose an empty folder.")
    plate.parent.mkdir(parents=True, exist_ok=True)
    (folder / "images" / "plate1").mkdir(parents=True, exist_ok=True)
    template = known[assay]
    text = _STUDY.format(
        kind=assay,
        images=template.images,
        places=_listed(re.findall(r"{\w+}", template.images)),
        inputs=_commented(template.inputs),
        start="start_h = 0\n" if "{time}" in template.images else "",
        protocol=_commented((*template.protocol, *template.setup)),
        settings=_commented(template.settings),
    )
    study.write_text(text, encoding="utf-8")
    lines = template.plate_map or tuple(_map_lines())
    plate.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return study, plate


def _commented(lines: Iterable[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)


def _listed(names: Sequence[str]) -> str:
    """Names as a sentence lists them: `a, b and c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _map_lines() -> list[str]:
    """Three wells a dose, a row each; a batch is an independent experiment: add its plate."""
    lines = [_MAP_HEADER]
    for row in "BCD":
        lines.append(f"plate1,{row}02,1,vehicle,,")
        lines += [
            f"plate1,{row}{column:02d},1,test,defactinib,{dose} nM"
            for column, dose in enumerate(_DOSES_NM, start=3)
        ]
    return lines
