"""How can the counted objects be checked in Fiji? One multi-point ROI for each picture."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from lamella.errors import MissingExtraError, StudyError
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
        MissingExtraError: The library roifile is not installed.
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
            "come from transwell and invasion."
        )
    roifile = _roifile()
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
        path.write_bytes(_roi(preview, roifile, name))
        paths.append(path)
    return tuple(paths)


def _roi(preview: Preview, roifile: Any, name: str) -> bytes:
    points = np.asarray(preview.points, np.float32).reshape(-1, 2)
    roi = roifile.ImagejRoi.frompoints(points, name=name)
    roi.roitype = roifile.ROI_TYPE.POINT
    data: bytes = roi.tobytes()
    return data


def _roifile() -> Any:
    try:
        return import_module("roifile")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "ImageJ ROIs need the library roifile. Install it: pip install roifile"
        ) from error


def _safe(text: str) -> str:
    return _PLAIN.sub("_", text).strip(".") or "_"
