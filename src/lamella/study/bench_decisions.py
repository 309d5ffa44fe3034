"""What did this study decide where the guide says nothing?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType

from lamella.design.protocol import Gap, Step
from lamella.study.bench import Bench, Decision, amount, dose_range
from lamella.study.bench_inserts import coated

__all__ = ["decisions_of"]


def decisions_of(step: Step, bench: Bench) -> tuple[Decision, ...]:
    """The gaps of a step in the order of its parameters, each with the study's answer."""
    names = dict.fromkeys(parameter.gap for parameter in step.parameters if parameter.gap)
    gaps = [bench.protocol.gap(name) for name in names]
    return tuple(Decision(gap, _answer(gap, bench)) for gap in gaps)


def _answer(gap: Gap, bench: Bench) -> str:
    if gap.key == "plates/*.csv":
        return _FROM_MAP[gap.id](bench) if bench.wells else ""
    if gap.id == "density":
        return _density(bench)
    if gap.id == "doubling":
        return f"{bench.doubling_time_h:g} h" if bench.doubling_time_h else ""
    table, _, key = gap.key.rpartition(".")
    stated = getattr(bench.plan if table == "plan" else bench.facts, key)
    if stated is None or stated == "":
        return ""
    return _UNITS.get(key, "{}").format(f"{stated:g}" if isinstance(stated, float) else stated)


def _density(bench: Bench) -> str:
    facts, plan = bench.facts, bench.plan
    if plan.cells_per_well is not None and bench.protocol.id != "tracks":
        return f"{amount(plan.cells_per_well)} cells in a well"
    if facts.cells_per_cm2 is not None:
        return f"{amount(facts.cells_per_cm2)} cells/cm²"
    if facts.confluent_per_cm2 is not None and bench.protocol.id == "scratch":
        return f"from {amount(facts.confluent_per_cm2)} cells/cm² at confluence"
    return ""


def _controls(bench: Bench) -> str:
    roles: Counter[str] = Counter(well.role for well in bench.wells)
    told = [f"{roles[role]} {role}" for role in ("vehicle", "positive", "blank")]
    if bench.vessel.insert:
        said = Counter(well.factors.get("attractant", "") or "as all" for well in bench.wells)
        told.append("attractant " + ", ".join(f"{name}: {n}" for name, n in said.items()))
    return "; ".join(told)


def _replicates(bench: Bench) -> str:
    per_arm = Counter((well.compound, well.dose) for well in bench.wells if well.role == "test")
    each = sorted(set(per_arm.values()))
    if not each:
        return ""
    span = f"{each[0]}" if len(each) == 1 else f"{each[0]}-{each[-1]}"
    days = "day" if bench.batches == 1 else "days"
    return f"{bench.batches} {days} × {span} wells of each dose"


def _uncoated(bench: Bench) -> str:
    bare = len(bench.wells) - coated(bench)
    return f"{bare} uncoated" if bare else ""


def _coating(bench: Bench) -> str:
    said = sorted({well.factors.get("coating", "") for well in bench.wells} - {""})
    return ", ".join(said) or bench.facts.substrate


_FROM_MAP: Mapping[str, Callable[[Bench], str]] = MappingProxyType(
    {
        "concentration": lambda bench: dose_range(bench.wells),
        "doses": lambda bench: dose_range(bench.wells),
        "controls": _controls,
        "replicates": _replicates,
        "uncoated": _uncoated,
        "coating": _coating,
    }
)
_UNITS = {
    "serum_percent": "{} %",
    "solvent_percent": "{} % in every well",
    "preincubation_h": "{} h",
    "duration_h": "{} h",
    "cell_speed_um_per_h": "{} µm/h",
    "matrix_lot_concentration": "lot of {}",
    "inhibitor_side": "{}",
}
