"""In which channel of a colour picture do cells shine?"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lamella.vision.cell_field import Flag

__all__ = ["COLOURS", "Colour", "shining_channel"]

Colour = Literal["red", "green", "blue"]
COLOURS: tuple[Colour, ...] = ("red", "green", "blue")
_BRIGHTEST = 99.5


def shining_channel(
    image: NDArray[np.float32], stated: Colour | None = None
) -> tuple[NDArray[np.float32], tuple[Flag, ...]]:
    """One channel of a picture in fluorescence, and what had to be chosen.

    Channels are never averaged: the two that hold no light would dilute the one that does.

    Args:
        image: Camera counts, shape (H, W, 3), or (H, W), which is kept.
        stated: The channel; None takes the one whose 99.5th percentile rises furthest above its
            median.

    >>> picture = np.zeros((20, 20, 3), np.float32)
    >>> picture[5:9, 5:9, 2] = 90
    >>> one, told = shining_channel(picture)
    >>> float(one.max()), told[0][0]
    (90.0, 'channel_chosen')
    """
    if image.ndim == 2:
        return image, ()
    if stated is not None:
        return np.ascontiguousarray(image[..., COLOURS.index(stated)]), ()
    thin = image[::4, ::4].reshape(-1, image.shape[2])
    rise = np.percentile(thin, _BRIGHTEST, axis=0) - np.median(thin, axis=0)
    chosen = int(np.argmax(rise))
    text = f"cells are counted in the {COLOURS[chosen]} channel, which has most contrast"
    flag = ("channel_chosen", f"{text}. State the channel to have the same one everywhere")
    return np.ascontiguousarray(image[..., chosen]), (flag,)
