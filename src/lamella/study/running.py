"""Runs a study: measures what is not yet measured, settles, fits and writes the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lamella.engine import ENGINES, Lost
from lamella.errors import SettingsError, StudyError, nearest
from lamella.study.events import Event, EventLog
from lamella.study.measuring import Call, is_current, measure_part, record_loss
from lamella.study.object_tables import write_object_tables
from lamella.study.outcome import potency_document, run_document, study_result
from lamella.study.parts import PartRecord, PartStore, write_json
from lamella.study.plan import Plan, make_plan
from lamella.study.result import AssayResult, Preview, StudyResult
from lamella.study.settling import measured_rows, settle
from lamella.table.store import Table, concat, write_rows

__all__ = ["RunOptions", "load", "load_plan", "run", "run_plan"]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is carried out; nothing here changes a result.

    `shard` (i, n) measures every n-th unit, starting with the i-th (from 1), for array jobs.
    """

    engine: str = "serial"
    workers: int = 1
    fresh: bool = False
    shard: tuple[int, int] = (1, 1)


def run(
    folder: Path,
    options: RunOptions | None = None,
    *,
    progress: Callable[[Event], None] | None = None,
) -> StudyResult:
    """Run the study in `folder`; what is measured already is kept.

    Raises:
        StudyError: There is nothing to run: no valid `study.toml`, or no image.
    """
    return run_plan(make_plan(Path(folder)), options or RunOptions(), progress=progress)


def run_plan(
    plan: Plan, options: RunOptions, *, progress: Callable[[Event], None] | None = None
) -> StudyResult:
    """Run a study whose plan has been made. See `run`."""
    if plan.study is None or not (plan.calls or plan.tables):
        raise StudyError(_nothing_to_run(plan))
    if options.engine not in ENGINES:
        raise SettingsError(
            f"engine '{options.engine}' is not known. {nearest(options.engine, ENGINES)}"
        )
    log = EventLog(plan.results, progress)
    if plan.headers is not None:
        plan.headers.save()
    return _finish(plan, _measure(plan, options, log), log)


def load(folder: Path) -> StudyResult:
    """The finished study in `folder`, settled again from its parts; no pixel is read.

    Raises:
        StudyError: It was never run.
    """
    return load_plan(make_plan(Path(folder)))


def load_plan(plan: Plan) -> StudyResult:
    """The finished study of a plan that has been made. See `load`."""
    store = PartStore(plan.results)
    records = _records(plan, store)
    if plan.study is None or not (records or plan.tables):
        raise StudyError(
            f"{plan.folder} has no results yet. Run it first: lamella run {plan.folder}"
        )
    return _settled(plan, store, records)[0]


def _measure(plan: Plan, options: RunOptions, log: EventLog) -> list[PartRecord]:
    """Measure what is not current; the records of all parts that exist afterwards."""
    store = PartStore(plan.results)
    shard, shards = options.shard
    mine = {index for index in range(len(plan.calls)) if index % shards == shard - 1}
    known = [_record(call, store) for call in plan.calls]
    current = {
        index
        for index, (call, record) in enumerate(zip(plan.calls, known, strict=True))
        if index in mine and not options.fresh and is_current(call, record)
    }
    places = sorted(mine - current)
    todo = [plan.calls[index] for index in places]
    log.tell("start", 0, len(todo), message=f"{len(current)} of {len(mine)} kept")
    work = partial(measure_part, fresh=options.fresh)
    engine = _engine(options, [known[index] for index in places])
    results = ENGINES[engine](work, todo, workers=options.workers)
    for done, (index, outcome) in enumerate(results, start=1):
        call = todo[index]
        place = " ".join(part for part in (call.unit.plate, call.unit.well) if part)
        if isinstance(outcome, Lost):
            record_loss(call, outcome.reason)
            log.tell("lost", done, len(todo), place, outcome.reason)
        else:
            log.tell("unit", done, len(todo), place, outcome)
    # Another shard may have finished parts in the meantime: whatever was not kept is read again.
    found = (
        known[index] if index in current else _record(call, store)
        for index, call in enumerate(plan.calls)
    )
    return [record for record in found if record is not None]


def _engine(options: RunOptions, known: Sequence[PartRecord | None]) -> str:
    """The engine of a run; one unit that was measured before needs no process of its own.

    Starting a process takes longer than measuring a well. A well that was never measured, or
    that was lost, may hold a file that kills the process, so it gets one.
    """
    if len(known) == 1 and known[0] is not None and not known[0].failed:
        return "serial"
    return options.engine


def _finish(plan: Plan, records: Sequence[PartRecord], log: EventLog) -> StudyResult:
    store = PartStore(plan.results)
    log.tell("settle", 0, 0)
    result, rows = _settled(plan, store, records)
    write_rows(rows, plan.results / "observations.parquet")
    write_object_tables(
        store, records, study=result.title, design=plan.design, decisions=plan.decisions
    )
    write_json(plan.results / "potency.json", potency_document(result))
    write_json(plan.results / "run.json", run_document(result))
    log.tell("end", 0, 0)
    return result


def _settled(
    plan: Plan, store: PartStore, records: Sequence[PartRecord]
) -> tuple[StudyResult, Table]:
    assert plan.study is not None
    title = plan.study.study.title
    tables: list[Table] = []
    results: list[AssayResult] = []
    for planned in plan.assays:
        mine = [record for record in records if record.assay == planned.assay.name]
        measured = measured_rows(mine, store, study=title, design=plan.design)
        settled = settle(
            planned,
            measured,
            plan.design,
            decisions=plan.decisions,
            previews=_previews(mine, measured, store),
            study=title,
        )
        tables.append(settled.rows)
        results += settled.results
    return study_result(plan, tuple(results), records), concat(tables)


def _previews(records: Sequence[PartRecord], rows: Table, store: PartStore) -> list[Preview]:
    place = ("plate", "well", "field", "frame")
    timed = rows.frame.drop_nulls(["frame", "time_h"]).unique(place, keep="last")
    times = {tuple(where): time for *where, time in timed.select(*place, "time_h").iter_rows()}
    found = []
    for record in records:
        folder = store.folder(record.assay, record.plate, record.well)
        for picture in record.pictures:
            where = (record.plate, record.well, picture.field, picture.frame)
            found.append(
                Preview(
                    *where,
                    times.get(where),
                    picture.state,
                    folder / picture.file,
                    picture.width_px,
                    picture.height_px,
                    picture.polygons,
                    picture.points,
                    picture.scale,
                )
            )
    return found


def _record(call: Call, store: PartStore) -> PartRecord | None:
    return store.read_record(call.assay, call.unit.plate, call.unit.well)


def _records(plan: Plan, store: PartStore) -> list[PartRecord]:
    return [record for call in plan.calls if (record := _record(call, store)) is not None]


def _nothing_to_run(plan: Plan) -> str:
    told = [f"{f.place}: {f.message} {f.remedy}" for f in plan.broken]
    return "nothing to run. " + " ".join(told or [f"{plan.folder} names no image and no table."])
