"""What a study remembers of earlier runs saves work and never changes a result."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lamella import potency
from lamella.errors import ImageError
from lamella.inputs.images.formats import inspect
from lamella.inputs.images.series import Frame
from lamella.study import RunOptions, headers, make_plan, run, running
from lamella.study.decisions import append_decision
from lamella.study.demo import write_study
from lamella.study.events import Event
from lamella.study.parts import PartStore
from lamella.table import store
from lamella.table.edits import Edit, Target
from lamella.virtual.study import demo_study

_WRITTEN = ("observations.parquet", "potency.json", "run.json")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two batches of a vehicle and five doses, one well each, four small frames."""
    folder = tmp_path_factory.mktemp("study") / "small"
    study = demo_study(seed=5, size_px=96)
    doses = (1e-8, 1e-7, 3e-7, 1e-6, 1e-5)
    times = (0.0, 6.0, 12.0, 18.0)
    study = replace(study, doses_molar=doses, batches=2, wells_per_dose=1, times_h=times)
    write_study(study, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(headers, "_SETTLED_NS", 0)  # the pictures are only seconds old
        run(folder)
    return folder


@pytest.fixture
def folder(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy whose files count as old, run once so that it remembers them."""
    monkeypatch.setattr(headers, "_SETTLED_NS", 0)
    copy = tmp_path / "small"
    shutil.copytree(pristine, copy)
    run(copy)
    return copy


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the headers that are read from the files themselves."""
    counted: Counter[str] = Counter()

    def counting(path: Path) -> Any:
        counted[path.name] += 1
        return inspect(path)

    monkeypatch.setattr(headers, "inspect", counting)
    return counted


def _bytes(folder: Path) -> dict[str, bytes]:
    return {name: (folder / "results" / name).read_bytes() for name in _WRITTEN}


def _memory(folder: Path) -> Path:
    return folder / "results" / "cache" / "headers.json"


class TestHeaders:
    def test_an_unchanged_folder_is_planned_without_opening_a_picture(
        self, folder: Path, opened: Counter[str]
    ) -> None:
        before = _bytes(folder)
        run(folder)
        assert not opened
        assert _bytes(folder) == before

    def test_only_a_picture_that_was_written_again_is_opened(
        self, folder: Path, opened: Counter[str]
    ) -> None:
        picture = next((folder / "images" / "P1").glob("B03_*"))
        picture.write_bytes(picture.read_bytes())
        make_plan(folder)
        assert opened == {picture.name: 1}

    def test_another_picture_with_the_old_date_and_size_is_noticed(
        self, folder: Path, opened: Counter[str]
    ) -> None:
        picture = next((folder / "images" / "P1").glob("B03_*"))
        stat, content = picture.stat(), picture.read_bytes()
        picture.write_bytes(b"no picture" + content[10:])
        os.utime(picture, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        plan = make_plan(folder)
        assert opened == {picture.name: 1}
        assert any(picture.name in finding.place for finding in plan.broken)

    def test_a_picture_of_this_moment_is_opened_again_next_time(
        self, folder: Path, opened: Counter[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(headers, "_SETTLED_NS", 3_600_000_000_000)
        _memory(folder).unlink()
        run(folder)
        once = opened.total()
        run(folder)
        assert opened.total() == 2 * once

    @pytest.mark.parametrize(
        "damage",
        [
            lambda text: "",
            lambda text: text[: len(text) // 2],
            lambda text: text.replace("96", "48"),
            lambda text: json.dumps({**json.loads(text), "lamella": "0"}),
            lambda text: "[]",
            lambda text: '{"digest": "x"}',
        ],
        ids=["empty", "cut off", "altered", "of another version", "a list", "nothing in it"],
    )
    def test_a_damaged_memory_is_not_believed(
        self, folder: Path, opened: Counter[str], damage: Any
    ) -> None:
        before, findings = _bytes(folder), make_plan(folder).findings
        memory = _memory(folder)
        memory.write_text(damage(memory.read_text(encoding="utf-8")), encoding="utf-8")
        assert make_plan(folder).findings == findings
        assert opened.total() == 48
        run(folder)
        assert _bytes(folder) == before

    def test_results_are_the_same_without_any_memory(self, folder: Path) -> None:
        before = _bytes(folder)
        shutil.rmtree(folder / "results" / "cache")
        run(folder)
        assert _bytes(folder) == before

    def test_an_unreadable_picture_is_told_each_time(self, folder: Path) -> None:
        picture = next((folder / "images" / "P1").glob("B03_*"))
        picture.write_bytes(b"no picture at all")
        for _ in range(2):
            plan = make_plan(folder)
            assert any(picture.name in finding.place for finding in plan.broken)
            assert plan.headers is not None
            plan.headers.save()
            with pytest.raises(ImageError, match="no image of a known format"):
                plan.headers.inspect(picture)


_SQUARE = [[[20, 20], [60, 20], [60, 60], [20, 60]]]


def _edit(folder: Path, *, plate: str = "P1", well: str = "B04") -> None:
    target = Target("scratch", plate, well, "f1", 1)
    append_decision(folder, Edit("e1", "mask", target, data={"polygons": _SQUARE}))


class _Work:
    """Counts the calls of functions by name while they do their work."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: Counter[str] = Counter()
        self._patch = patch

    def watch(self, owner: object, name: str, *, size: Any = None) -> None:
        inner = getattr(owner, name)

        def counting(*args: Any, **more: Any) -> Any:
            result = inner(*args, **more)
            self.calls[name] += 1 if size is None else size(result)
            return result

        self._patch.setattr(owner, name, counting)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> _Work:
    counted = _Work(monkeypatch)
    counted.watch(headers, "inspect")
    counted.watch(running, "measure_part")
    counted.watch(Frame, "grey")
    counted.watch(PartStore, "read_record")
    counted.watch(store, "from_frame", size=len)
    counted.watch(potency, "fit")
    return counted


class TestAnEditedMask:
    def test_it_costs_its_own_unit_and_nothing_else(self, folder: Path, work: _Work) -> None:
        """Twelve wells of four frames; the mask of one frame of one well is corrected."""
        _edit(folder)
        result = run(folder, RunOptions(engine="processes", workers=2))
        rows = len(result.assays[0].rows)
        made = work.calls.pop("from_frame")
        assert work.calls == {
            "measure_part": 1,  # in this process: the engine of several was not started
            "grey": 4,  # pictures decoded
            "read_record": 12 + 2,  # all once; that of the edited well before and after too
            "fit": 1,
        }
        # Rows are made of what a fact, a read-out or a figure needs; most pass as columns.
        assert made < 0.1 * rows

    def test_no_part_but_its_own_is_written(self, folder: Path) -> None:
        parts = folder / "results" / "parts" / "scratch"
        before = {path: path.stat().st_mtime_ns for path in parts.rglob("*") if path.is_file()}
        time.sleep(0.01)
        _edit(folder)
        run(folder)
        changed = {path for path, at in before.items() if path.stat().st_mtime_ns != at}
        assert {path.parent.relative_to(parts).as_posix() for path in changed} == {"P1/B04"}

    def test_its_results_are_those_of_a_study_that_was_never_run_before(self, folder: Path) -> None:
        _edit(folder)
        run(folder)
        edited = _bytes(folder)
        shutil.rmtree(folder / "results" / "cache")
        run(folder)
        assert _bytes(folder) == edited
        shutil.rmtree(folder / "results")
        run(folder)
        assert _bytes(folder) == edited

    def test_a_well_that_was_lost_gets_a_process_of_its_own(self, folder: Path) -> None:
        """What killed a process once may do so again."""
        done = folder / "results" / "parts" / "scratch" / "P1" / "B04" / "done.json"
        record = json.loads(done.read_text(encoding="utf-8"))
        done.write_text(json.dumps(record | {"failed": "the process was killed"}))
        events: list[Event] = []
        run(folder, RunOptions(engine="processes", workers=1), progress=events.append)
        (unit,) = (event for event in events if event.kind == "unit")
        assert (unit.place, unit.message) == ("P1 B04", "measured")
