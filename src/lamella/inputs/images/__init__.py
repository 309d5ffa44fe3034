"""Image files: one module per format, one line in the list of formats.

Names resolve lazily, so that a module which only names a `Series` loads no decoder.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella.inputs.images.acquisition import Acquisition, Inventory
    from lamella.inputs.images.formats import FORMATS
    from lamella.inputs.images.inventory import content_hash, open_images, take_inventory
    from lamella.inputs.images.presets import PRESETS
    from lamella.inputs.images.series import Frame, Series, Unit

__all__ = [
    "FORMATS",
    "PRESETS",
    "Acquisition",
    "Frame",
    "Inventory",
    "Series",
    "Unit",
    "content_hash",
    "open_images",
    "take_inventory",
]

_HOME = {
    "FORMATS": "formats",
    "PRESETS": "presets",
    "Acquisition": "acquisition",
    "Inventory": "acquisition",
    "Frame": "series",
    "Series": "series",
    "Unit": "series",
    "content_hash": "inventory",
    "take_inventory": "inventory",
    "open_images": "inventory",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'lamella.inputs.images' has no attribute '{name}'")
    return getattr(import_module(f"lamella.inputs.images.{_HOME[name]}"), name)
