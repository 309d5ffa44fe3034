"""Does data go one way, and is every import against the stream caught?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

LAYERS = "Layers: data goes one way"
ASSAYS = "Assays never import each other"
PURE = "The mathematics knows no files, data frames or plots"
READERS = "Reports and exports read results and never measure"

# (file that is changed or made, line that it gets, contract that must break)
PLANTED = {
    "a report measures": ("report/planted.py", "import lamella.vision", READERS),
    "an export reads pixels": ("export/planted.py", "import cv2", READERS),
    "an assay uses another": ("assays/planted_b.py", "import lamella.assays.planted_a", ASSAYS),
    "vision knows data frames": ("vision/planted.py", "import polars", PURE),
    "vision opens files": ("vision/planted.py", "import lamella.inputs", LAYERS),
    "potency reads the store": ("potency/planted.py", "import lamella.table.store", PURE),
    "virtual writes pictures": ("virtual/planted.py", "import tifffile", PURE),
    "a lazy import counts too": ("signalling/planted.py", "def f(): import matplotlib", PURE),
    "rows know an assay": ("table/planted.py", "import lamella.assays", LAYERS),
    "a study knows the command line": ("study/planted.py", "import lamella.app", LAYERS),
    "evidence uses its neighbour": ("evidence/planted.py", "import lamella.design", LAYERS),
    "an engine knows an assay": ("engine/planted.py", "import lamella.assays", LAYERS),
    "errors know a unit": ("errors.py", "import lamella.table", LAYERS),
    "a folder outside the layers": ("networks/__init__.py", "WEIGHTS = ()", LAYERS),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """The verdict of import-linter on the package below `folder/src`, with our contracts."""
    config = REPOSITORY / "pyproject.toml"
    return subprocess.run(
        [sys.executable, "-c", LINT, "--config", str(config), "--no-cache", "--no-logo"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package that a test may spoil."""
    copy = tmp_path / "src" / "lamella"
    shutil.copytree(
        REPOSITORY / "src" / "lamella", copy, ignore=shutil.ignore_patterns("__pycache__")
    )
    (copy / "assays" / "planted_a.py").write_text("import lamella.assays.contract\n")
    return copy


def test_the_package_keeps_its_layers():
    verdict = lint(REPOSITORY)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def test_the_copy_that_tests_spoil_is_sound(package):
    verdict = lint(package.parents[1])
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


@pytest.mark.parametrize(("file", "line", "contract"), PLANTED.values(), ids=PLANTED.keys())
def test_an_import_against_the_stream_is_caught(package, file, line, contract):
    path = package / file
    path.parent.mkdir(exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(f"{before}\n{line}\n", encoding="utf-8")
    verdict = lint(package.parents[1])
    assert verdict.returncode == 1, verdict.stdout + verdict.stderr
    assert f"{contract} BROKEN" in verdict.stdout
    culprit = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert culprit in verdict.stdout.split("Broken contracts", 1)[1]
