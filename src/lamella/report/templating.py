"""How does a page get from its template to disk? What all pages share."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["environment", "script_hash", "static_file", "write_file"]


def environment(**filters: Callable[..., str]) -> Environment:
    """Templates of this package, every value escaped; an unknown name is an error."""
    made = Environment(
        loader=PackageLoader("lamella.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= filters
    return made


@lru_cache
def static_file(name: str) -> str:
    """A style sheet or script as it stands beside the templates."""
    return (files("lamella.report") / "templates" / name).read_text("utf-8")


def script_hash(script: str) -> str:
    """SHA-256 of a script in base64: the page allows this one and no other."""
    return base64.b64encode(sha256(script.encode()).digest()).decode()


def write_file(path: Path, text: str) -> Path:
    """Write beside the place and rename, so that no half page is ever seen.

    A file name in the text that is no valid text (a lone surrogate) does not cost the page.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(text.encode("utf-8", "replace"))
    return beside.replace(path)
