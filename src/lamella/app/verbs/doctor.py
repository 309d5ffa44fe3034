"""`lamella doctor`: versions, formats, optional parts, and how to get what is missing."""

from __future__ import annotations

import argparse
import platform
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from importlib.util import cache_from_source, find_spec
from pathlib import Path

from lamella import __version__
from lamella.app.show import print_json

NAME = "doctor"
HELP = "versions, formats, optional extras, what is missing and how to get it"

_CORE = (
    "numpy",
    "scipy",
    "opencv-python-headless",
    "tifffile",
    "imagecodecs",
    "polars",
    "pydantic",
    "jinja2",
)
_EXTRAS = {"model": ("numba", "compiled curve fitting; the same numbers without it, slower")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.assays import ASSAYS
    from lamella.engine import ENGINES
    from lamella.inputs.images import FORMATS

    core = {name: _version(name) for name in _CORE}
    extras = {name: _version(library) for name, (library, _) in _EXTRAS.items()}
    facts = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "core": core,
        "extras": extras,
        "formats": [item.name for item in FORMATS],
        "assays": [assay.name for assay in ASSAYS],
        "engines": list(ENGINES),
        "byte_code": _has_byte_code(),
    }
    missing = [name for name, version in core.items() if version is None]
    if args.json:
        print_json("doctor", missing=missing, **facts)
    else:
        _print(facts, missing)
    return 1 if missing else 0


def _print(facts: dict[str, object], missing: list[str]) -> None:
    print(f"lamella {__version__}, Python {facts['python']}, {facts['system']}")
    for name in _CORE:
        print(f"  {name:<24} {_version(name) or 'MISSING'}")
    for extra, (library, what) in _EXTRAS.items():
        version = _version(library)
        how = f"not installed; pip install 'lamella[{extra}]'" if version is None else version
        print(f"  [{extra}] {library:<16} {how}  ({what})")
    for key in ("formats", "assays", "engines"):
        values = facts[key]
        assert isinstance(values, list)
        print(f"{key}: {', '.join(values)}")
    if not facts["byte_code"]:
        print(
            "Python finds no compiled byte code and cannot keep it: every start is slower. "
            f"Run once with write access: {sys.executable} -m compileall -q <site-packages>"
        )
    if missing:
        print(f"Missing: {', '.join(missing)}. Install Lamella again: pip install lamella")


def _version(name: str) -> str | None:
    try:
        return version_of(name)
    except PackageNotFoundError:
        return None


def _has_byte_code() -> bool:
    spec = find_spec("pydantic")
    return bool(spec and spec.origin and Path(cache_from_source(spec.origin)).is_file())
