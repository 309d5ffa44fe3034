"""Is everything that the guide says, and everything it leaves open, on the bench sheet?"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lamella.app.cli import main
from lamella.design.protocol import IDS, protocol, protocols
from lamella.errors import SettingsError
from lamella.report import render_bench
from lamella.study import make_bench_plan

STUDY = """\
[study]
title = "Defactinib on {kind} <of> \\"cells\\""
compound = {{ name = "defactinib", form = "hydrochloride", stock = "10 mM", solvent = "DMSO" }}
cell_line = "SUIT-2"
[[assay]]
kind = "{kind}"
images = "images/{{plate}}/{{well}}.tif"
[assay.protocol]
{facts}
[plan]
batches = 2
doses = ["10 nM", "30 nM", "100 nM", "300 nM", "1 uM"]
{plan}
"""


def study(folder: Path, kind: str, *, facts: str = "", plan: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    text = STUDY.format(kind=kind, facts=facts, plan=plan)
    (folder / "study.toml").write_text(text, "utf-8")
    return folder


class Steps(HTMLParser):
    """Text and keyed parameters of every step on a page, by its place in the guide."""

    def __init__(self) -> None:
        super().__init__()
        self.text: dict[str, str] = {}
        self.keys: dict[tuple[str, str], str] = {}
        self.gaps: set[tuple[str, str]] = set()
        self.refs: dict[str, str] = {}
        self._step = self._key = ""
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "section" and "data-step" in told:
            self._step = told["data-guide"] or f"own {told['data-step']}"
            self.refs[self._step] = told["data-ref"] or ""
            self.text.setdefault(self._step, "")
        if tag == "span" and "data-key" in told and self._step:
            self._key = told["data-key"] or ""
            self.keys.setdefault((self._step, self._key), "")
            if "gap" in (told.get("class") or ""):
                self.gaps.add((self._step, self._key))

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self._step = ""
        if tag == "span":
            self._key = ""

    def handle_data(self, data: str) -> None:
        if self._step:
            self.text[self._step] += data
        if self._key:
            self.keys[self._step, self._key] += data


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Steps]:
    """The sheet of each assay of the guide, from a study that states as little as it may."""
    found = {}
    for kind in ("scratch", "transwell", "invasion"):
        folder = study(tmp_path_factory.mktemp(kind), kind)
        page = render_bench(make_bench_plan(folder), out=folder / "plan.html")
        found[kind] = Steps()
        found[kind].feed(page.read_text("utf-8"))
    return found


def words(text: str) -> set[str]:
    """Lower-case words and numbers, grouped digits joined."""
    joined = re.sub(r"(?<=\d)[\u202f ](?=\d{3}\b)", "", text)
    return set(re.findall(r"[a-z]+|\d+(?:\.\d+)?", joined.lower().replace("µ", "u")))


def leaves(value: Any) -> list[str]:
    """The words that a stated value must leave on the page."""
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, bool):
        return ["same"] if value else []
    if isinstance(value, (int, float)):
        return [f"{value:g}" if value < 1e4 else str(int(value))]
    return sorted(words(str(value)))


def walk(step: dict[str, Any]) -> list[tuple[str, Any]]:
    """Keys and values of a step of the guide; nested ones are facts of their own."""
    told: list[tuple[str, Any]] = []
    for key, value in step.items():
        if key in ("n", "do", "ref"):
            continue
        told += walk(value) if isinstance(value, dict) else [(key, value)]
    return told


def assert_step(page: Steps, place: str, step: dict[str, Any]) -> None:
    assert place in page.text, f"step {place} is not on the sheet"
    for key, value in walk(step):
        at = place
        if (place, key) not in page.keys and f"{place} optional" in page.text:
            at = f"{place} optional"
        assert (at, key) in page.keys, f"{place}: '{key}' is not on the sheet"
        if value is None:
            assert (at, key) in page.gaps, f"{place}: '{key}' is open and not marked"
        else:
            shown = words(page.keys[at, key])
            missing = [leaf for leaf in leaves(value) if leaf not in shown]
            assert not missing, f"{place}, {key}: {missing} not in {page.keys[at, key]!r}"
    assert page.refs[place] == str(step["ref"] or 0)


def test_every_step_of_the_guide_is_on_its_sheet_with_all_parameters(pages, shared_data):
    guide = json.loads((shared_data("evidence") / "guide_protocols.json").read_text("utf-8"))
    assays = guide["assays"]
    walked = 0
    for kind, name in (("scratch", "scratch"), ("transwell", "transwell_migration")):
        for step in assays[name]["steps"]:
            assert_step(pages[kind], f"{name} {step['n']}", step)
            walked += 1
    invasion = assays["matrigel_invasion"]
    for step in invasion["extra_first_step"]:
        letter = next(iter(step))
        assert_step(pages["invasion"], f"matrigel_invasion {letter}", step)
        walked += 1
    assert walked == 22  # 8 + 10 + 4, as its README counts them
    # "then transwell steps 1-10, cells on top of the layer", 24-72 h.
    for step in assays["transwell_migration"]["steps"]:
        place = f"transwell_migration {step['n']}"
        if step["n"] == 5:
            place = "matrigel_invasion then"
            step = {**step, "time_h": invasion["time_h"], "ref": invasion["ref"]}
        assert_step(pages["invasion"], place, step)
    told = pages["invasion"].keys["transwell_migration 4", "then"]
    assert words(invasion["then"]) <= words(told)


def test_the_steps_of_the_guide_come_in_its_order(pages):
    for kind, name, last in (("scratch", "scratch", 8), ("transwell", "transwell_migration", 10)):
        places = [place for place in pages[kind].text if place.startswith(name)]
        numbers = [int(place.split()[1]) for place in places]
        assert numbers == sorted(numbers)
        assert set(numbers) == set(range(1, last + 1))
    first = list(pages["invasion"].text)[:5]
    assert first == [*(f"matrigel_invasion {x}" for x in "abcd"), "transwell_migration 1"]


def test_what_the_guide_leaves_open_is_asked(pages, shared_data):
    guide = json.loads((shared_data("evidence") / "guide_protocols.json").read_text("utf-8"))
    asked = {
        "where (upper/lower/both)": ("invasion", "inhibitor above, below or on both sides"),
        "pre-incubation time": ("transwell", "incubated with the inhibitor before"),
        "controls": ("invasion", "without attractant, with attractant on both sides"),
        "seeding density": ("scratch", "cells are seeded on each cm"),
        "mitomycin C dose": ("scratch", "Which dose of mitomycin C, for how long"),
        "serum during scratch": ("scratch", "How much serum"),
        "DMSO percentage": ("scratch", "How much solvent"),
        "replicate numbers": ("scratch", "How many independent days"),
    }
    missing = guide["missing_from_guide_but_needed"]
    for start, (kind, question) in asked.items():
        assert any(text.startswith(start) for text in missing), start
        assert any(question in text for text in pages[kind].text.values()), question
    assert any("rehydrated before it is coated" in t for t in pages["invasion"].text.values())
    # The last entry of that list: protocols that its tables need.
    assert len(missing) == len(asked) + 1
    assert {"tube", "tracks", "blot", "viability"} <= {one.id for one in protocols()}


def test_the_diagrams_show_the_guides_workflow(tmp_path, shared_data):
    guide = json.loads((shared_data("evidence") / "guide_protocols.json").read_text("utf-8"))
    wanted = {
        "scratch": guide["diagrams"]["scratch workflow"],
        "invasion": guide["diagrams"]["transwell/invasion workflow"],
    }
    for kind, steps in wanted.items():
        folder = study(tmp_path / kind, kind)
        render_bench(make_bench_plan(folder), out=folder / "plan.html")
        drawn = (folder / "plan" / f"workflow-{kind}.svg").read_text("utf-8")
        told = re.sub(r"<title>.*?</title>", "", drawn)
        boxes = " ".join(re.findall(r">([^<>]+)</text>", told)).lower().replace("-", " ")
        at = 0
        for step in steps:
            word = step.strip("()").split(" with ")[0].replace("-", " ")
            found = boxes.find(word, at)
            assert found >= 0, f"{word} not after the step before it in: {boxes}"
            at = found


def test_a_guide_step_says_what_it_is_and_where_it_comes_from(pages):
    for page in pages.values():
        for place, text in page.text.items():
            assert "[guide," in text, place


@pytest.mark.parametrize("kind", IDS)
def test_every_protocol_becomes_a_complete_sheet(kind, tmp_path, capsys):
    stated = 'cells_per_cm2 = 5000\nproliferation_control = "none"\n'
    folder = study(
        tmp_path,
        kind,
        facts=stated + 'inhibitor_side = "both"' * (kind in ("transwell", "invasion")),
        plan='matrix_lot_concentration = "9 mg/mL"\ncell_speed_um_per_h = 30\ninterval_h = 0.25',
    )
    assert main(["plan", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "lamella/plan"
    assert [sheet["assay"] for sheet in document["sheets"]] == [kind, kind]  # two days
    page = (folder / "plan.html").read_text("utf-8")
    assert page.count('<article class="sheet"') == 2
    assert page.count("For research use only.") >= 3
    for step in protocol(kind).steps:
        assert page.count(f'data-step="{step.id}"') == 2
        assert step.why
        assert step.guide or step.source
    assert "<of>" not in page  # titles are text, never markup
    assert not re.search(r'(?:src|href)="https?:', page)


def test_the_study_on_the_page_makes_a_complete_sheet(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "plan.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "study.toml").write_text(example, "utf-8")
    plan = make_bench_plan(tmp_path)
    assert len(plan.sheets) == 5
    asked = [finding.message for finding in plan.findings]
    assert asked == ["Which objective?"]  # it depends on the microscope at hand


def test_a_protocol_that_does_not_exist_names_the_nearest():
    with pytest.raises(SettingsError, match="Did you mean 'scratch'"):
        protocol("scrach")
