"""How does the pathway become one page with sliders for dose and time, without network?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from lamella.report.page import NOTICE
from lamella.report.panels.pathway import Shown, draw, fill, hours, ink_on, percent, title
from lamella.report.templating import environment, script_hash, static_file, write_file
from lamella.signalling.diagram import NODES, Activities
from lamella.signalling.held_out import Estimate
from lamella.signalling.network import Network
from lamella.signalling.pathway import edges
from lamella.units import Dose, format_dose

__all__ = ["COLUMNS", "rows", "write_page"]

COLUMNS = ("node", "dose_molar", "time_s", "median", "low", "high")


def write_page(
    activities: Activities,
    network: Network,
    shown: Shown,
    *,
    compound: str,
    out: Path,
    estimates: Sequence[Estimate] = (),
) -> Path:
    """Write the pathway as one HTML file; returns `out`.

    Args:
        activities: What is shown.
        network: For the table of constants.
        shown: Dose and time at which the page opens.
        compound: Name of the inhibitor.
        out: The page; its folder must exist.
        estimates: Potencies to list, predictions apart from fits.
    """
    data = json.dumps(_states(activities, compound), ensure_ascii=True).replace("<", "\\u003c")
    script = static_file("pathway.js")
    page = (
        environment()
        .get_template("pathway.html")
        .render(
            activities=activities,
            compound=compound,
            network=network,
            notice=NOTICE,
            picture=Markup(draw(activities, shown, compound=compound).svg),
            contested=[step for step in edges() if step.against],
            counts=_standings(network),
            shown=shown,
            kinds=[
                ("Prediction", [one for one in estimates if one.kind == "prediction"]),
                ("Fits, not predictions", [one for one in estimates if one.kind == "fit"]),
            ],
            molar=lambda value: format_dose(Dose(value), digits=3),
            doses=[_dose(float(dose)) for dose in activities.dose_molar],
            times=[hours(float(time)) for time in activities.times_s],
            style=Markup(static_file("page.css")),
            data=Markup(data),
            script=Markup(script),
            script_hash=script_hash(script),
        )
    )
    return write_file(out, page)


def rows(activities: Activities) -> list[tuple[str | float, ...]]:
    """Every activity as a row of `COLUMNS`."""
    parts = (activities.median, activities.low, activities.high)
    return [
        (node, float(dose), float(time), *(float(part[n, d, t]) for part in parts))
        for n, node in enumerate(activities.nodes)
        for d, dose in enumerate(activities.dose_molar)
        for t, time in enumerate(activities.times_s)
    ]


def _states(activities: Activities, compound: str) -> dict[str, object]:
    """Everything that a slider can show: per node, dose and time the words and colours."""
    labels = {node.id: node.label for node in NODES}
    doses, times = range(len(activities.dose_molar)), range(len(activities.times_s))
    nodes = {}
    for n, node in enumerate(activities.nodes):
        cells = []
        for d in doses:
            for t in times:
                median, low, high = (
                    float(part[n, d, t])
                    for part in (activities.median, activities.low, activities.high)
                )
                colour = fill(median)
                cells.append([percent(median, low, high), colour, ink_on(colour)])
        nodes[node] = {"label": labels[node], "cells": cells}
    titles = [title(activities, Shown(d, t), compound=compound) for d in doses for t in times]
    return {
        "times": len(times),
        "doses": [_dose(float(dose)) for dose in activities.dose_molar],
        "hours": [hours(float(time)) for time in activities.times_s],
        "titles": titles,
        "nodes": nodes,
    }


def _dose(dose_molar: float) -> str:
    return format_dose(Dose(dose_molar)) if dose_molar else "vehicle"


def _standings(network: Network) -> list[tuple[str, int]]:
    standings = [parameter.standing for parameter in network.parameters]
    return [(one, standings.count(one)) for one in sorted(set(standings))]
