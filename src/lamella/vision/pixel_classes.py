"""Which pixels look like those that a person has marked?

A few strokes say what is a cell and what is not; a random forest over colour, brightness and
structure at the scale of a cell says it of every other pixel, in this and in other pictures. The
strokes are the classifier: it is trained again from them whenever it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.errors import MeasurementError
from lamella.vision.forest import Forest, train_forest
from lamella.vision.stain import (
    StainModel,
    lowest_level,
    optical_density,
    unmix,
    white_reference,
)

__all__ = ["MarkedPicture", "PixelClasses", "Stroke", "learn_pixel_classes", "pixel_features"]

Image = NDArray[np.float32]

# Pixels across a cell when features are taken, and the scales of the features [those px].
_CELL_PX = 18.0
_SCALES = (1.0, 2.0, 4.0)
_LEAST_PIXELS = 10
_ROWS_AT_ONCE = 200_000


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line drawn over pixels of one class; a single point is a dot.

    Attributes:
        name: The class, for example `cell`, `pore`, `background`.
        points_px: x and y of its corners [px].
        radius_px: Half its width [px].
    """

    name: str
    points_px: tuple[tuple[float, float], ...]
    radius_px: float = 1.5


@dataclass(frozen=True, slots=True)
class MarkedPicture:
    """A picture with strokes on it.

    Attributes:
        image: Camera counts, shape (H, W, 3) or (H, W).
        strokes: What is marked.
        cell_px: Diameter of a cell in this picture [px] (`CellLevels.cell_diameter_px`).
    """

    image: Image
    strokes: tuple[Stroke, ...]
    cell_px: float


@dataclass(frozen=True, slots=True)
class PixelClasses:
    """What strokes have taught.

    Attributes:
        names: The classes, sorted.
        channels: 3 for colour, 1 for fluorescence.
        forest: Tells them.
        most: Largest log odds that a vote can give, for each class: what its strokes were told
            right by trees that had not learnt from them.
    """

    names: tuple[str, ...]
    channels: int
    forest: Forest
    most: tuple[float, ...]

    def probability(self, image: Image, *, name: str, cell_px: float) -> Image:
        """How surely each pixel belongs to a class, at 18 px a cell, shape (h, w), 0..1.

        Args:
            image: Camera counts, shape (H, W, 3) or (H, W) like the marked pictures.
            name: The class.
            cell_px: Diameter of a cell in this picture [px].

        Raises:
            MeasurementError: The class was never marked, or colour and grey are mixed.
        """
        if name not in self.names:
            known = ", ".join(f"'{each}'" for each in self.names)
            raise MeasurementError(f"No stroke is of class '{name}'. Marked are: {known}.")
        if (image.shape[2] if image.ndim == 3 else 1) != self.channels:
            raise MeasurementError(
                "The strokes were drawn on colour pictures and this one is grey, or the reverse. "
                "Draw strokes on a picture of this kind."
            )
        features = pixel_features(image, cell_px=cell_px)
        height, width, count = features.shape
        rows = features.reshape(-1, count)
        which = self.names.index(name)
        parts = [
            self.forest.shares(rows[start : start + _ROWS_AT_ONCE])[:, which]
            for start in range(0, len(rows), _ROWS_AT_ONCE)
        ]
        return np.concatenate(parts).reshape(height, width)

    def log_odds(self, image: Image, *, name: str, cell_px: float) -> Image:
        """Natural log odds that each pixel belongs to a class, shape (h, w); 0 is undecided.

        A dozen strokes cannot make anything surer than a dozen examples do: the votes count up
        to the odds at which held-out strokes were told right.

        Args:
            image, name, cell_px: As in `probability`.

        Raises:
            MeasurementError: As `probability`.
        """
        share = self.probability(image, name=name, cell_px=cell_px)
        even = 1 / len(self.names)
        votes = np.clip(share, 0.01, 0.99)
        odds = np.log(votes / (1 - votes)) - np.float32(np.log(even / (1 - even)))
        most = self.most[self.names.index(name)]
        return np.asarray(np.clip(odds, -most, most), np.float32)


def learn_pixel_classes(pictures: Sequence[MarkedPicture], *, seed: int = 0) -> PixelClasses:
    """Learn from strokes on one or several pictures.

    Args:
        pictures: All marked pictures, of one kind.
        seed: The same strokes and seed give the same classes.

    Raises:
        MeasurementError: Strokes of fewer than two classes, or too small to learn from.
    """
    names = tuple(sorted({stroke.name for each in pictures for stroke in each.strokes}))
    if len(names) < 2:
        known = f"only '{names[0]}' is marked" if names else "nothing is marked"
        raise MeasurementError(
            f"Strokes of two classes are needed to tell them apart, and {known}. "
            "Mark some cells and some of what is no cell."
        )
    kinds = {each.image.shape[2] if each.image.ndim == 3 else 1 for each in pictures}
    if len(kinds) > 1:
        raise MeasurementError("Strokes on colour and on grey pictures cannot be learnt together.")
    rows, classes, strokes = zip(*(_examples(each, names) for each in pictures), strict=True)
    marked, before = np.concatenate(classes), np.cumsum([0, *(len(p.strokes) for p in pictures)])
    groups = np.concatenate([one + n for one, n in zip(strokes, before, strict=False)])
    few = [names[k] for k in range(len(names)) if np.count_nonzero(marked == k) < _LEAST_PIXELS]
    if few:
        raise MeasurementError(
            f"The strokes of '{few[0]}' cover too few pixels to learn from. Draw longer ones."
        )
    forest = train_forest(np.concatenate(rows), marked, groups=groups, seed=seed)
    most = tuple(_most_odds(forest, marked, groups, which=k) for k in range(len(names)))
    return PixelClasses(names, kinds.pop(), forest, most)


def pixel_features(image: Image, *, cell_px: float) -> Image:
    """Dye, grey and their structure around each pixel at 18 px a cell, shape (h, w, F).

    Args:
        image: Camera counts, shape (H, W, 3) or (H, W).
        cell_px: Diameter of a cell [px].
    """
    factor = min(_CELL_PX / cell_px, 4.0)
    size = tuple(max(8, round(side * factor)) for side in image.shape[1::-1])
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    small = np.asarray(cv2.resize(image, (size[0], size[1]), interpolation=how), np.float32)
    if small.ndim == 3:
        density = optical_density(small, white_reference(small))
        planes = [*unmix(density, StainModel()), np.ascontiguousarray(density.min(axis=-1))]
    else:
        ground, spread = lowest_level(small)
        light = (small - np.float32(ground)) / np.float32(max(spread, 1e-12))
        planes = [np.asarray(np.arcsinh(light), np.float32)]
    return np.stack([feature for plane in planes for feature in _structure(plane)], axis=-1)


def _structure(plane: Image) -> list[Image]:
    found = []
    for sigma in _SCALES:
        soft = cv2.GaussianBlur(plane, (0, 0), sigma)
        dx, dy = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
        steep = cv2.magnitude(dx, dy) * np.float32(sigma / 8)
        curved = cv2.Laplacian(soft, cv2.CV_32F) * np.float32(sigma**2)
        found += [np.asarray(part, np.float32) for part in (soft, steep, curved)]
    return found


def _most_odds(
    forest: Forest, marked: NDArray[np.int64], groups: NDArray[np.int64], *, which: int
) -> float:
    """Log odds of right over wrong among strokes that were held out, by Laplace's rule."""
    right = wrong = 0
    even = 1 / forest.classes
    for stroke in np.unique(groups):
        mine = groups == stroke
        share = float(np.mean(forest.unseen[mine, which]))
        # A stroke that every tree has learnt from, the only one of its class, cannot be wrong.
        told = (share > even) == (marked[mine][0] == which) or np.isnan(share)
        right, wrong = right + told, wrong + (not told)
    return max(0.0, float(np.log((right + 1) / (wrong + 1))))


def _examples(
    picture: MarkedPicture, names: tuple[str, ...]
) -> tuple[Image, NDArray[np.int64], NDArray[np.int64]]:
    """Features, classes and strokes (by number) of the pixels under the strokes of a picture."""
    features = pixel_features(picture.image, cell_px=picture.cell_px)
    height, width = features.shape[:2]
    stretch = np.array([width / picture.image.shape[1], height / picture.image.shape[0]])
    marked = np.full((height, width), -1, np.int16)
    for number, stroke in enumerate(picture.strokes):
        corners = (np.asarray(stroke.points_px, np.float64) + 0.5) * stretch - 0.5
        thick = max(1, round(2 * stroke.radius_px * float(stretch.mean())))
        line = np.rint(corners).astype(np.int32).reshape(-1, 1, 2)
        # A line of one point is drawn as a dot, which a polyline is not.
        line = line if len(line) > 1 else np.repeat(line, 2, axis=0)
        cv2.polylines(marked, [line], False, number, thick)
    under = marked >= 0
    strokes = marked[under].astype(np.int64)
    classes = np.array([names.index(stroke.name) for stroke in picture.strokes])
    return features[under], classes[strokes], strokes
