"""Which rows did a person take out of the study?"""

from __future__ import annotations

import polars as pl

from lamella.study.decisions import SETTLED_KINDS, Decisions
from lamella.table.edits import Edit, Target
from lamella.table.rows import Rows
from lamella.table.store import Table, to_frame

__all__ = ["mark_excluded"]


def mark_excluded(rows: Rows, decisions: Decisions) -> Rows:
    """The rows, those of excluded places flagged `excluded` with who and why.

    The last decision about a place wins, so an `include` takes back an earlier `exclude`.
    """
    choices = [edit for edit in decisions.standing if edit.kind in SETTLED_KINDS]
    if not choices:
        return rows
    frame = to_frame(rows).with_columns(why=pl.lit(None, pl.String))
    for edit in choices:
        told = pl.lit(None if edit.kind == "include" else _told(edit), pl.String)
        frame = frame.with_columns(why=pl.when(_covered(edit.target)).then(told).otherwise("why"))
    out = pl.col("why").is_not_null()
    marked = frame.with_columns(
        flag=pl.when(out).then(pl.lit("excluded")).otherwise("flag"),
        reason=pl.coalesce("why", "reason"),
    )
    return Table(marked.drop("why"))


def _told(edit: Edit) -> str:
    who = f" ({edit.who})" if edit.who else ""
    return f"{edit.why or 'no reason given'}{who}"


def _covered(target: Target) -> pl.Expr:
    """Whether a row belongs to the place that a decision is about."""
    meant = {
        "assay": target.assay,
        "plate": target.plate,
        "well": target.well,
        "field": target.field,
        "frame": target.frame,
    }
    stated = [pl.col(name) == value for name, value in meant.items() if value not in ("", None)]
    return pl.all_horizontal(stated).fill_null(False) if stated else pl.lit(True)
