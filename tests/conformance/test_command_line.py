"""The command line: light to start, honest exit codes, one JSON document on stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lamella import __version__
from lamella.app.cli import build_parser, main
from lamella.app.verbs import VERBS

_HEAVY = {"numpy", "scipy", "cv2", "polars", "tifffile", "pydantic", "jinja2"}


def _modules_loaded_by(*args: str) -> set[str]:
    code = (
        "import sys\n"
        f"sys.argv = ['lamella', *{list(args)!r}]\n"
        "from lamella.app.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_loads_few_modules_and_no_scientific_library() -> None:
    loaded = _modules_loaded_by("--help")
    assert len(loaded) < 300
    assert not _HEAVY & loaded


def test_importing_lamella_loads_no_scientific_library() -> None:
    code = "import lamella, sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not _HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("verb", [verb.NAME for verb in VERBS])
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([verb, "--help"])
    assert verb in capsys.readouterr().out


def test_a_verb_that_does_not_exist_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["mesure"])
    assert "invalid choice" in capsys.readouterr().err


def test_a_missing_table_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", str(tmp_path / "none.csv"), "--dose-unit", "nM"]) != 0
    told = capsys.readouterr()
    assert "none.csv" in told.err
    assert told.out == ""


def test_doctor_finds_every_core_library(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "lamella/doctor"
    assert document["lamella"] == __version__
    assert document["missing"] == []
    assert "scratch" in document["assays"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_every_verb(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(verb.NAME in script for verb in VERBS)


def test_a_new_study_is_valid_but_for_its_missing_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    assert main(["new", "scratch", str(folder)]) == 0
    capsys.readouterr()
    assert main(["check", str(folder), "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    files = [f for f in findings if f["level"] == "error" and not f["rule"][1:].isdigit()]
    assert {finding["rule"] for finding in files} == {"no-images"}
    assert all(finding["remedy"] for finding in findings)


def test_a_new_study_never_overwrites_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "scratch", str(tmp_path)]) == 0
    assert main(["new", "scratch", str(tmp_path)]) == 1
    assert "already there" in capsys.readouterr().err


def test_an_unknown_assay_names_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "scrath", str(tmp_path)]) == 1
    assert "Did you mean 'scratch'?" in capsys.readouterr().err


def test_the_parser_is_complete_for_every_verb() -> None:
    parser = build_parser()
    assert parser.parse_args(["run", "somewhere", "--shard", "2/8"]).shard == (2, 8)
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["run", "somewhere", "--shard", "9/8"])
