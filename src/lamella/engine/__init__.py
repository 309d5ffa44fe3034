"""Runs calls, one after the other or on several processes, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lamella.engine import processes, serial
from lamella.engine.contract import Engine, Lost

__all__ = ["ENGINES", "Engine", "Lost"]

ENGINES: Mapping[str, Engine] = MappingProxyType(
    {
        "serial": serial.run,
        "processes": processes.run,
    }
)
