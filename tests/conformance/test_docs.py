"""Are the pages in step with the code, and do they stand without a network?"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lamella.study.decisions import read_decisions
from lamella.study.model import StudyFile

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
PACKAGE = REPOSITORY / "src" / "lamella"
DECISION_PARTS = (
    "Question",
    "Decision",
    "Why",
    "Rejected",
    "Costs we accept",
    "What would change our mind",
)


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("docs_hooks", DOCS / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(out)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return out


def test_the_pages_are_built_without_a_warning(site):
    assert (site / "index.html").is_file()
    assert (site / "decisions" / "0001-rows-are-the-only-exchange.html").is_file()


def test_no_page_loads_anything_from_elsewhere(site):
    loading = re.compile(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="https?://', re.IGNORECASE)
    for page in site.rglob("*.html"):
        assert not loading.search(page.read_text("utf-8")), page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:", sheet.read_text("utf-8")), sheet.name


def test_every_marker_was_replaced(site):
    for page in site.rglob("*.html"):
        assert "made from code" not in page.read_text("utf-8"), page.name


def test_the_keys_of_a_study_are_on_the_page(hooks):
    table = hooks.study_keys()
    for model in ("[study]", "[study.compound]", "[[assay]]", "[assay.protocol]"):
        assert f"### `{model}`" in table
    assert "| `pixel_um` | number |  | Side of a pixel [µm]; overrides the metadata. |" in table


def test_the_study_on_the_page_is_valid():
    page = (DOCS / "study-folder.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    study = StudyFile.model_validate(tomllib.loads(example))
    assert study.assay[0].kind == "scratch"


def test_the_decisions_on_the_page_are_valid(tmp_path):
    page = (DOCS / "study-folder.md").read_text("utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (tmp_path / "decisions.jsonl").write_text(example, "utf-8")
    decisions = read_decisions(tmp_path)
    assert decisions.findings == ()
    assert [edit.id for edit in decisions.standing] == ["d2"]  # d1 was taken back by d3
    assert len([json.loads(line) for line in example.splitlines()]) == 3


def test_the_architecture_names_every_folder_and_only_what_exists():
    text = (REPOSITORY / "ARCHITECTURE.md").read_text("utf-8")
    named = set(re.findall(r"`([\w/.<>-]+)`", text))
    lines = {
        path.stem
        for path in PACKAGE.iterdir()
        if not path.name.startswith("_") and path.suffix != ".typed"
    }
    assert lines <= named
    for name in named:
        if "/" in name and "<" not in name:
            assert any((root / name).exists() for root in (PACKAGE, REPOSITORY)), name


def test_every_decision_record_has_its_parts_on_one_page():
    records = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    numbers = [path.name[:4] for path in records]
    assert len(set(numbers)) == len(numbers)
    for path in records:
        text = path.read_text("utf-8")
        assert re.match(rf"# {path.name[:4]}:? \S", text), path.name
        assert [part for part in DECISION_PARTS if f"**{part}" not in text] == [], path.name
        assert len(text.split()) <= 700, path.name


def test_every_change_file_has_a_kind(hooks):
    for path in (REPOSITORY / "changes").glob("*.md"):
        assert re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed|numbers)\.md", path.name)
    assert "## Added" in hooks.changes()


def test_a_change_of_unknown_kind_stops_the_pages(hooks, tmp_path, monkeypatch):
    (tmp_path / "changes").mkdir()
    (tmp_path / "changes" / "gap.improved.md").write_text("Better.\n")
    monkeypatch.setattr(hooks, "REPOSITORY", tmp_path)
    with pytest.raises(ValueError, match="kind 'improved' is none of"):
        hooks.changes()


def test_a_page_that_asks_for_an_unknown_part_stops_the_build(hooks):
    with pytest.raises(ValueError, match="asks for 'weather'"):
        hooks.on_page_markdown("<!-- made from code: weather -->")
