"""How do published potencies become a picture or a page of their own?"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from lamella.errors import SettingsError
from lamella.evidence import GUIDE_CITATION, Assertion
from lamella.report.forest import forest
from lamella.report.page import NOTICE
from lamella.report.templating import write_file

__all__ = ["write_forest"]

COLUMNS = ("Row", "Compound", "Cells", "Assay", "As printed", "Tier", "Source", "To know")
_STYLE = """
body { font: 15px/1.5 system-ui, "Segoe UI", Arial, sans-serif; color: #1b1f24; margin: 2rem auto;
  max-width: 1040px; padding: 0 1rem; }
svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: 13px; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid #e3e6ea; }
.notice { border-left: 4px solid #b35f0c; padding: .2rem .8rem; font-size: 13px; }
"""


def write_forest(rows: Sequence[Assertion], *, out: Path) -> Path:
    """Write the forest plot of some published rows as an SVG, or as an HTML page with its table.

    Raises:
        SettingsError: The name ends in neither `.svg` nor `.html`, or no row states a potency.
    """
    suffix = out.suffix.lower()
    if suffix not in {".svg", ".html"}:
        raise SettingsError(f"'{out.name}' is neither .svg nor .html. Name the figure so.")
    figure = forest(rows)
    if figure.empty and suffix == ".svg":
        raise SettingsError(f"there is nothing to draw: {figure.empty} Ask for more rows.")
    drawn = "".join(drawing.svg for drawing in figure.drawings)
    if suffix == ".svg":
        start = drawn.index(">") + 1
        ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n{drawn[:start]}{ground}{drawn[start:]}\n'
    else:
        text = _page(rows, figure.title, figure.caption or figure.empty, drawn)
    return write_file(out, text)


def _page(rows: Sequence[Assertion], title: str, caption: str, drawn: str) -> str:
    head = "".join(f'<th scope="col">{column}</th>' for column in COLUMNS)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(row)) + "</tr>"
        for row in rows
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1><p class='notice'>{escape(NOTICE)}</p>{drawn}"
        f"<p>{escape(caption)}</p><h2>All rows</h2><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{lines}</tbody></table><p>Rows T: {escape(GUIDE_CITATION)}</p>"
        "</main></body></html>\n"
    )


def _cells(row: Assertion) -> tuple[str, ...]:
    where = ", ".join(part for part in (row.source.label, row.source.identifier) if part)
    known = "; ".join(row.flags)
    return (
        row.id, row.compound, row.cell_line, row.assay, row.as_printed, row.tier, where, known,
    )  # fmt: skip
