"""Results as files for other programs: one module a format, one line here.

>>> sorted(FORMATS)
['csv', 'imagej-rois']
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from lamella.export import imagej_rois, tidy_csv
from lamella.study.result import StudyResult

__all__ = ["FORMATS"]

FORMATS: Final[Mapping[str, Callable[[StudyResult, Path], tuple[Path, ...]]]] = {
    "csv": tidy_csv.write,
    "imagej-rois": imagej_rois.write,
}
