"""How can the counted objects be checked in Fiji? One multi-point ROI for each picture."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from roifile import ROI_TYPE, ImagejRoi

from lamella.errors import StudyError
from lamella.study.result import Preview, StudyResult

__all__ = ["write"]

_PLAIN = re.compile(r"[^A-Za-z0-9._+-]")


def write(result: StudyResult, out_dir: Path) -> tuple[Path, ...]:
    """Write `rois/<assay>/<plate>/<well>_<field>.roi`; return the paths.

    Each file holds the points that stand in the table, a person's corrections applied, with
    subpixel places; a picture without any gets no file. Open the picture in Fiji and drag the
    file onto it: the points lie on the cells, and Analyze > Measure counts them.

    Raises:
        StudyError: No assay of the study counts objects.
    """
    counted = {
        (item.assay.name, p.plate, p.well, p.field, p.frame): p
        for item in result.assays
        for p in item.previews
        if p.points is not None
    }
    if not counted:
        raise StudyError(
            "no assay of this study counts objects, so there are no points to export. Points "
            "come from pictures of transwell and invasion."
        )
    several = len({key[:4] for key in counted}) < len(counted)
    paths = []
    for (assay, *_), preview in sorted(counted.items(), key=lambda item: item[0]):
        if not preview.points:
            continue
        path = out_dir / "rois" / _safe(assay) / _safe(preview.plate or "plate")
        path.mkdir(parents=True, exist_ok=True)
        name = "_".join(part for part in (preview.well, preview.field) if part) or "field"
        if several:
            name += f"_{preview.frame:04d}"
        path = path / f"{_safe(name)}.roi"
        path.write_bytes(_roi(preview, name))
        paths.append(path)
    return tuple(paths)


def _roi(preview: Preview, name: str) -> bytes:
    points = np.asarray(preview.points, np.float32).reshape(-1, 2)
    roi = ImagejRoi.frompoints(points, name=name)
    roi.roitype = ROI_TYPE.POINT
    return roi.tobytes()


def _safe(text: str) -> str:
    return _PLAIN.sub("_", text).strip(".") or "_"
