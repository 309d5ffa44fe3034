"""Does data go one way, and is every import against the stream caught?"""

from __future__ import annotations

import os
import re
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
CONTRACTS = (LAYERS, ASSAYS, PURE, READERS)

# What is planted: (module that is made or spoiled, what it imports, contract that must break)
PLANTED = {
    "a report measures": ("report.planted", "lamella.vision", READERS),
    "an export reads pixels": ("export.planted", "cv2", READERS),
    "an assay uses another": ("assays.planted_b", "lamella.assays.planted_a", ASSAYS),
    "vision knows data frames": ("vision.planted", "polars", PURE),
    "vision opens files": ("vision.planted_files", "lamella.inputs", LAYERS),
    "potency reads the store": ("potency.planted", "lamella.table.store", PURE),
    "virtual writes pictures": ("virtual.planted", "tifffile", PURE),
    "rows know an assay": ("table.planted", "lamella.assays", LAYERS),
    "a study knows the command line": ("study.planted", "lamella.app", LAYERS),
    "evidence uses its neighbour": ("evidence.planted", "lamella.design", LAYERS),
    "an engine knows an assay": ("engine.planted", "lamella.assays", LAYERS),
    "errors know a row": ("errors", "lamella.table", LAYERS),
}
LATE = ("signalling.planted", "matplotlib", PURE)


def lint(folder: Path) -> str:
    """What import-linter says of the package below `folder/src`, under our contracts."""
    config = REPOSITORY / "pyproject.toml"
    ended = subprocess.run(
        [sys.executable, "-c", LINT, "--config", str(config), "--no-cache", "--no-logo"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{ended.stdout}\n{ended.stderr}\nexit {ended.returncode}"


def broken(told: str, contract: str) -> str:
    """The part of the verdict that explains why one contract is broken."""
    _, _, explained = told.partition("Broken contracts")
    headings = "|".join(re.escape(name) for name in CONTRACTS)
    parts = re.split(rf"^({headings})\n-+$", explained, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(contract, "")


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory) -> str:
    """The verdict on a copy of the package that holds every planted import."""
    folder = tmp_path_factory.mktemp("spoiled")
    package = folder / "src" / "lamella"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "src" / "lamella", package, ignore=ignore)
    (package / "assays" / "planted_a.py").write_text("")
    for module, imported, _ in PLANTED.values():
        with (package / f"{module.replace('.', '/')}.py").open("a", encoding="utf-8") as file:
            file.write(f"\nimport {imported}\n")
    late, imported, _ = LATE
    (package / f"{late.replace('.', '/')}.py").write_text(f"def f():\n    import {imported}\n")
    (package / "networks").mkdir()
    (package / "networks" / "__init__.py").write_text("WEIGHTS = ()\n")
    return lint(folder)


def test_the_package_keeps_its_layers():
    told = lint(REPOSITORY)
    assert told.endswith("exit 0"), told
    assert all(f"{contract} KEPT" in told for contract in CONTRACTS), told


@pytest.mark.parametrize(("module", "imported", "contract"), PLANTED.values(), ids=PLANTED.keys())
def test_an_import_against_the_stream_is_caught(spoiled, module, imported, contract):
    assert f"lamella.{module} -> {imported} " in broken(spoiled, contract), spoiled


def test_an_import_that_runs_late_is_caught_too(spoiled):
    module, imported, contract = LATE
    assert f"lamella.{module} -> {imported} " in broken(spoiled, contract), spoiled


def test_a_folder_outside_the_layers_is_caught(spoiled):
    assert re.search(r"^- networks$|lamella\.networks", broken(spoiled, LAYERS), re.MULTILINE), (
        spoiled
    )


def test_a_spoiled_package_fails(spoiled):
    assert spoiled.endswith("exit 1"), spoiled
