"""What all tests share: where the reference data lie, and quiet, repeatable hypothesis runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("lamella", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("lamella")

_DEFAULT = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def data_root() -> Path | None:
    """The folder of reference data: LAMELLA_DATA, else ../shared/data beside the checkout."""
    root = Path(os.environ.get("LAMELLA_DATA", _DEFAULT))
    return root if root.is_dir() else None


@pytest.fixture(scope="session")
def shared_data():
    """A function: name of a data folder -> its path; skips the test where there is none."""

    def find(name: str) -> Path:
        root = data_root()
        if root is None or not (root / name).is_dir():
            pytest.skip(f"reference data '{name}' not found: set LAMELLA_DATA to their folder")
        return root / name

    return find
