"""What goes wrong in real scratch assays, one fault at a time, beside a series without any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from lamella.virtual.camera import Camera
from lamella.virtual.fronts import Migration, half_gap_um
from lamella.virtual.scratch import Scene, ScratchSeries, render_scratch
from lamella.virtual.tissue import Tissue
from lamella.virtual.wound import Wound

__all__ = ["CLEAN", "FAULTS", "Case", "render_case"]

_TIMES_H = tuple(float(hour) for hour in range(0, 25, 3))
_NO_TISSUE_UM = 1e6
_CLOSED_UM = -1e3
_REOPENING_UM = (250.0, 210.0, 188.0, 168.0, 193.0, 172.0, 151.0, 124.0, 84.0)
_CLOSED_AT_ONCE_UM = (250.0, *(-20.0 - 20.0 * i for i in range(8)))


@dataclass(frozen=True, slots=True)
class Case:
    """A series to render: when it is seen, where the fronts are, and how it looks.

    `half_um` overrides the fronts that `migration` and `gap_um` would give.
    """

    times_h: tuple[float, ...] = _TIMES_H
    gap_um: float = 500.0
    migration: Migration = field(default_factory=Migration)
    half_um: tuple[float, ...] = ()
    scene: Scene = field(default_factory=Scene)


CLEAN = Case()


def render_case(case: Case, *, seed: int = 1) -> ScratchSeries:
    """The pictures and the truth of a case.

    >>> float(render_case(FAULTS["missing_first_frame"]).times_h[0])
    3.0
    """
    times = np.asarray(case.times_h, np.float64)
    if case.half_um:
        half = np.asarray(case.half_um, np.float64)
    else:
        half = half_gap_um(case.migration, times, gap_um=case.gap_um, shape=case.scene.wound.shape)
    return render_scratch(half, times, scene=case.scene, rng=np.random.default_rng(seed))


def _looking(case: Case, **tissue: float) -> Case:
    return replace(case, scene=replace(case.scene, tissue=replace(Tissue(), **tissue)))


def _seen(case: Case, camera: Camera) -> Case:
    return replace(case, scene=replace(case.scene, camera=camera))


def _faults(case: Case) -> dict[str, Case]:
    count = len(case.times_h)
    camera = case.scene.camera
    steps = [(14.0 * i, -9.0 * i) for i in range(count)]
    one_step = [(0.0, 0.0)] + [(130.0, 60.0)] * (count - 1)
    return {
        # The first picture was not taken at 0 h, or of another place.
        "missing_first_frame": replace(case, times_h=case.times_h[1:]),
        "unregistered_first_frame": _seen(case, replace(camera, drift_um=tuple(one_step))),
        "stage_drift": _seen(case, replace(camera, drift_um=tuple(steps))),
        # Microscope.
        "out_of_focus": _seen(case, replace(camera, defocus_um=(6.0,) * count)),
        "one_frame_out_of_focus": _seen(
            case, replace(camera, defocus_um=(0.0,) * 4 + (14.0,) + (0.0,) * (count - 5))
        ),
        "uneven_light": _seen(case, replace(camera, gradient=1.0, vignette=0.7)),
        "low_contrast": _seen(case, replace(camera, contrast=0.3)),
        # Bench.
        "wide_first_gap": replace(case, gap_um=1.4 * case.gap_um),
        "narrow_first_gap": replace(case, gap_um=0.6 * case.gap_um),
        "sub_confluent": _looking(case, confluence=0.62),
        "debris": _looking(case, debris_per_mm2=1500.0, stray_per_mm2=150.0),
        "islands": replace(case, scene=replace(case.scene, wound=Wound(islands=4))),
        # Biology.
        "closed_between_frames": replace(case, half_um=_CLOSED_AT_ONCE_UM),
        "reopening": replace(case, half_um=_REOPENING_UM),
        "toxic": replace(
            _looking(case, lost_by_end=0.55),
            half_um=tuple(250.0 + 2.0 * hour for hour in case.times_h),
        ),
        # Fast division moves the front although the cells hardly do.
        "growth_alone": replace(case, migration=Migration(60.0, 0.12)),
        # States.
        "closed": replace(case, half_um=(_CLOSED_UM,) * count),
        "empty": replace(case, half_um=(_NO_TISSUE_UM,) * count),
    }


FAULTS: Mapping[str, Case] = MappingProxyType(_faults(CLEAN))
