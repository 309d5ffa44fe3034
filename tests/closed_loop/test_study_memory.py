"""What a study remembers of earlier runs saves work and never changes a result."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lamella.errors import ImageError
from lamella.inputs.images.formats import inspect
from lamella.study import headers, make_plan, run
from lamella.study.demo import write_study
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
