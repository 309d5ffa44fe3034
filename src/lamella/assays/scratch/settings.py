"""What a person may choose about a scratch assay; nothing has to be chosen."""

from __future__ import annotations

from pydantic import Field

from lamella.assays.contract import Settings

__all__ = ["ScratchSettings"]


class ScratchSettings(Settings):
    """Settings of the scratch assay."""

    closure_at_h: float | None = Field(
        None,
        gt=0,
        description="When the read-out `closure` is taken [h]; empty: the last frame at which "
        "the vehicle wells have closed no further than `window_closure_percent`.",
    )
    window_closure_percent: float = Field(
        80.0,
        gt=0,
        le=100,
        description="The edge speed is read until the vehicle wells have closed so far [%].",
    )
    doubling_time_h: float | None = Field(
        None,
        gt=0,
        description="Doubling time of the cells [h], where the protocol does not state it; "
        "decides how long closure may be taken for migration alone.",
    )
    first_wound_only: bool = Field(
        True,
        description="Count only gaps that touch the first wound of the series, as far as the "
        "frames can be registered; holes elsewhere in the tissue are reported apart.",
    )
