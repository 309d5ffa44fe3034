"""Which objects does an installed network find, with weights that the person who runs it names?

Cellpose, StarDist and InstanSeg are not parts of Lamella: each is imported when it is asked for.
Weights are never taken from a study, because whoever sends a study would then choose a file that
a library unpickles; and never downloaded. One line of `COUNTERS` is one network.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lamella.errors import MeasurementError, MissingExtraError, SettingsError

__all__ = ["COUNTERS", "Counter", "Segment", "Weights", "network_labels"]

Image = NDArray[np.float32]
# Labels of a picture, given its pixel size [um] and the diameter of a cell [px] where known.
Segment = Callable[[Image, float | None, float | None], object]

_CHUNK = 1 << 20
_ONLY_TENSORS = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
_LIGHT_PERCENTILES = (1, 99.8)


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that a person has named: where they lie, and the SHA-256 of what lies there."""

    path: Path
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Weights:
        """The weights in a file or folder.

        Raises:
            SettingsError: There is nothing, or nothing that can be read.
        """
        path = Path(path).expanduser().resolve()
        if not path.exists():
            raise SettingsError(
                f"{path}: there are no weights. Give the file, or the folder of a StarDist model."
            )
        try:
            return cls(path, _sha256(path))
        except OSError as error:
            raise SettingsError(f"{path}: the weights cannot be read ({error}).") from error


@dataclass(frozen=True, slots=True)
class Counter:
    """One network: its name, the package to install, and how it is loaded from weights."""

    name: str
    package: str
    load: Callable[[Path], Segment]


def network_labels(
    image: Image,
    *,
    name: str,
    weights: Weights | None,
    pixel_um: float | None = None,
    cell_px: float | None = None,
) -> NDArray[np.int32]:
    """Objects that a network finds, shape (H, W): 0 outside, 1..n inside.

    Args:
        image: Camera counts, shape (H, W, 3) or (H, W).
        name: A key of `COUNTERS`.
        weights: What the person who runs it has named.
        pixel_um: Side of a pixel [um].
        cell_px: Diameter of a cell [px] where it is stated; else the weights tell.

    Raises:
        SettingsError: No such network, no weights, or others than were named.
        MissingExtraError: Its package is not installed.
        MeasurementError: What it returns are no labels of this picture.
    """
    if name not in COUNTERS:
        raise SettingsError(f"'{name}' is no counter. Known are {', '.join(COUNTERS)}.")
    if weights is None:
        raise SettingsError(
            f"The counter {name} needs weights, and they are never taken from a study. "
            "Name them when you run: --weights FILE, or the variable LAMELLA_WEIGHTS."
        )
    segment = _loaded(name, weights)
    return _checked(segment(image, pixel_um, cell_px), image.shape[:2], name)


@lru_cache(maxsize=1)
def _loaded(name: str, weights: Weights) -> Segment:
    """Loaded once a process, and only if the file still is what was named."""
    if Weights.of(weights.path).sha256 != weights.sha256:
        raise SettingsError(f"{weights.path}: the weights have changed since the run began.")
    counter = COUNTERS[name]
    try:
        return counter.load(weights.path)
    except ImportError as error:
        raise MissingExtraError(
            f"The counter {name} is not installed ({error}). "
            f"Install it beside Lamella: pip install {counter.package}"
        ) from error


def _cellpose(path: Path) -> Segment:
    """Cellpose 3 and 4; a file of tensors.

    Version 4 has no class `Cellpose`, takes colour as it is and ignores `channels`; version 3
    takes grey, the mean of the colours. Both resize to their training only if told a diameter.

    References:
        https://cellpose.readthedocs.io/en/v3.1.1.1/api.html, CellposeModel;
        https://cellpose.readthedocs.io/en/latest/api.html, CellposeModel;
        https://github.com/MouseLand/cellpose/releases/tag/v4.0.4 on what version 4 removed.
    """
    models = import_module("cellpose.models")
    if not path.is_file():
        raise SettingsError(f"{path}: Cellpose takes one file of weights.")
    with _only_tensors():
        model = models.CellposeModel(gpu=True, pretrained_model=str(path))
    more = {"channels": [0, 0]} if hasattr(models, "Cellpose") else {}

    def segment(image: Image, pixel_um: float | None, cell_px: float | None) -> object:
        axis = -1 if image.ndim == 3 else None
        return model.eval(image, channel_axis=axis, diameter=cell_px, **more)[0]

    return segment


def _stardist(path: Path) -> Segment:
    """StarDist in two dimensions; the folder of a model with config.json and weights as .h5.

    The weights are arrays and the architecture is made from config.json: nothing is unpickled.
    The picture is normalised from its 1st to its 99.8th percentile, as its authors do.

    References:
        https://github.com/stardist/stardist, README and `StarDist2D.predict_instances`.
    """
    if not (path / "config.json").is_file() or not list(path.glob("*.h5")):
        raise SettingsError(
            f"{path}: a StarDist model is a folder with config.json and weights (.h5)."
        )
    models, normalize = import_module("stardist.models"), import_module("csbdeep.utils").normalize
    model = models.StarDist2D(None, name=path.name, basedir=str(path.parent))
    channels = int(model.config.n_channel_in)

    def segment(image: Image, pixel_um: float | None, cell_px: float | None) -> object:
        if channels == 1 and image.ndim == 3:
            image = np.asarray(image.mean(axis=2), np.float32)
        if channels != (1 if image.ndim == 2 else image.shape[2]):
            raise MeasurementError(
                f"The StarDist model wants {channels} channels and the picture has another number."
            )
        axes = "YX" if image.ndim == 2 else "YXC"
        scaled = normalize(image, *_LIGHT_PERCENTILES, axis=(0, 1))
        return model.predict_instances(scaled, axes=axes)[0]

    return segment


def _instanseg(path: Path) -> Segment:
    """InstanSeg; a file of TorchScript, which is loaded without Python's pickle.

    Of a model that tells nuclei and cells, the cells count.

    References:
        https://github.com/instanseg/instanseg, `InstanSeg.eval_small_image`;
        https://pytorch.org/docs/stable/generated/torch.jit.load.html.
    """
    torch, package = import_module("torch"), import_module("instanseg")
    if not path.is_file():
        raise SettingsError(f"{path}: InstanSeg takes one file of TorchScript.")
    net = torch.jit.load(str(path), map_location="cpu")
    model = package.InstanSeg(net, verbosity=0)

    def segment(image: Image, pixel_um: float | None, cell_px: float | None) -> object:
        large = image.size >= model.small_image_threshold
        evaluate = model.eval_medium_image if large else model.eval_small_image
        found = np.asarray(
            evaluate(image, pixel_size=pixel_um, return_image_tensor=False, target="cells")
        )
        return found[0, -1] if found.ndim == 4 else found

    return segment


COUNTERS: Mapping[str, Counter] = MappingProxyType(
    {
        "cellpose": Counter("cellpose", "cellpose", _cellpose),
        "stardist": Counter("stardist", "stardist tensorflow", _stardist),
        "instanseg": Counter("instanseg", "instanseg-torch", _instanseg),
    }
)
"""The networks that can count, by name."""


def _checked(found: object, shape: tuple[int, ...], name: str) -> NDArray[np.int32]:
    labels = np.asarray(found)
    if labels.shape != shape:
        raise MeasurementError(
            f"{name} returned labels of {' x '.join(map(str, labels.shape)) or 'no'} px for a "
            f"picture of {' x '.join(map(str, shape))} px. Are the weights those of {name}?"
        )
    if not np.issubdtype(labels.dtype, np.number) or not np.isfinite(labels).all():
        raise MeasurementError(f"{name} returned labels that are no numbers.")
    if (labels < 0).any() or (labels != np.rint(labels)).any():
        raise MeasurementError(f"{name} returned labels that are no whole numbers from 0 on.")
    _, numbered = np.unique(labels, return_inverse=True)
    numbered = numbered.reshape(labels.shape)
    return np.asarray(numbered + (0 if (labels == 0).any() else 1), np.int32)


@contextmanager
def _only_tensors() -> Iterator[None]:
    """Within, torch loads nothing but tensors, whatever the library asks of it."""
    before = os.environ.get(_ONLY_TENSORS)
    os.environ[_ONLY_TENSORS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_ONLY_TENSORS]
        else:
            os.environ[_ONLY_TENSORS] = before


def _sha256(path: Path) -> str:
    """Of a file its content; of a folder the names and contents of all its files."""
    if path.is_file():
        whole = hashlib.sha256()
        with path.open("rb") as file:
            while part := file.read(_CHUNK):
                whole.update(part)
        return whole.hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = (f"{file.relative_to(path).as_posix()} {_sha256(file)}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
