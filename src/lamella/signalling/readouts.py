"""What would each read-out show at a dose, and how sure is that? Draws through model and links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamella.errors import SettingsError, nearest
from lamella.signalling import links as link
from lamella.signalling.dosing import dosed
from lamella.signalling.inhibition import Inhibitor
from lamella.signalling.links import Links
from lamella.signalling.models import model
from lamella.signalling.network import Network

__all__ = ["READOUTS", "Band", "Prediction", "band", "halving_dose", "pfak_of_vehicle", "predict"]

F8: TypeAlias = NDArray[np.float64]

READOUTS: Final[Mapping[str, Callable[[F8, F8, Links, F8], F8]]] = {
    "pY397": lambda a, b, k, dose: a,
    "pY576": lambda a, b, k, dose: b,
    "speed": lambda a, b, k, dose: link.speed(a, k),
    "persistence": lambda a, b, k, dose: link.persistence(a, k),
    "motility coefficient": lambda a, b, k, dose: link.diffusivity(a, k),
    "chemotaxis": lambda a, b, k, dose: link.chemotaxis(a, k),
    "matrix degradation": lambda a, b, k, dose: link.degradation(a, k),
    "tube length": lambda a, b, k, dose: link.tube_length(a, k),
    "growth, adherent": lambda a, b, k, dose: link.growth(a, k, dose_molar=dose),
    "growth, anchorage-free": lambda a, b, k, dose: link.growth(
        a, k, dose_molar=dose, anchored=False
    ),
}
"""Name -> its course from pY397 and pY576 (of vehicle), links and dose [mol/L]."""


@dataclass(frozen=True)
class Band:
    """Median and interval of a read-out at each dose, as ratio to vehicle."""

    readout: str
    dose_molar: F8
    median: F8
    low: F8
    high: F8
    level: float
    draws: int


@dataclass(frozen=True)
class Prediction:
    """Draws of pY397 and pY576 of vehicle at each dose, each (draws, doses), with their links."""

    dose_molar: F8
    py397: F8
    py576: F8
    links: Links
    failed: int

    def draws_of(self, readout: str) -> F8:
        """Draws of a read-out as ratio to vehicle, shape (draws, doses).

        Raises:
            SettingsError: There is no such read-out.
        """
        if readout not in READOUTS:
            raise SettingsError(f"no read-out '{readout}'. {nearest(readout, READOUTS)}")
        course = READOUTS[readout](self.py397, self.py576, self.links, self.dose_molar)
        return np.asarray(np.broadcast_arrays(course, self.py397)[0], np.float64)


def pfak_of_vehicle(
    network: Network,
    dose_molar: ArrayLike,
    *,
    sets: Mapping[str, ArrayLike],
    time_s: float = 7200.0,
) -> tuple[F8, F8, NDArray[np.bool_]]:
    """pY397 and pY576 as fold of vehicle, (draws, doses) each, and which draws failed, (draws,).

    Args:
        network: A model with rules `pFAK` and `pFAK576` and a parameter `dose` [µmol/L].
        dose_molar: Doses [mol/L], shape (D,).
        sets: Values by name of parameter, each of shape (draws,).
        time_s: Time since the dose [s]; before it the cells rest with vehicle for a day.
    """
    doses = np.append(0.0, np.atleast_1d(np.asarray(dose_molar, np.float64)))
    runs, reasons = dosed(network, doses, [time_s], sets=sets)
    failed = np.array([bool(reason) for reason in reasons])
    folds = []
    for rule in ("pFAK", "pFAK576"):
        value = runs.of(rule)[:, -1].reshape(failed.size, -1)
        folds.append(np.where(failed[:, None], np.nan, value[:, 1:] / value[:, :1]))
    return np.clip(folds[0], 0, None), np.clip(folds[1], 0, None), failed


def predict(
    inhibitor: Inhibitor,
    dose_molar: ArrayLike,
    *,
    shift: F8,
    links: Links,
    context: str = "adherent",
    time_s: float = 7200.0,
) -> Prediction:
    """Draws of what an inhibitor does, through the core model.

    Args:
        inhibitor: Gives the Ki.
        dose_molar: Doses [mol/L], shape (D,).
        shift: Draws of the shift from enzyme to cell, shape (draws,).
        links: Draws of the links, each (draws, 1), see `link_draws`.
        context: Of the core model: `adherent`, `matrigel` or `suspension`.
        time_s: Time since the dose [s].
    """
    network = model("core").in_context(context)
    sets = {"shift": shift, "Ki": np.array([1e6 * inhibitor.ki_fak_molar])}
    py397, py576, failed = pfak_of_vehicle(network, dose_molar, sets=sets, time_s=time_s)
    doses = np.atleast_1d(np.asarray(dose_molar, np.float64))
    return Prediction(doses, py397, py576, links, int(failed.sum()))


def band(prediction: Prediction, readout: str, *, level: float = 0.95) -> Band:
    """Median and interval of a read-out over the draws that could be integrated."""
    draws = prediction.draws_of(readout)
    tail = 50 * (1 - level)
    low, median, high = np.nanpercentile(draws, [tail, 50, 100 - tail], axis=0)
    sound = int(np.isfinite(draws).all(axis=1).sum())
    return Band(readout, prediction.dose_molar, median, low, high, level, sound)


def halving_dose(dose_molar: F8, ratios: F8) -> F8:
    """Dose at which each draw has lost half of what it can lose, shape (draws,) [mol/L].

    Args:
        dose_molar: Rising positive doses, shape (D,).
        ratios: Ratio to vehicle, falling with dose to 0, shape (draws, D).

    Returns:
        NaN where the range of doses does not reach it.
    """
    logs = np.log10(dose_molar)
    found = np.full(len(ratios), np.nan)
    for i, row in enumerate(ratios):
        if np.isfinite(row).all() and row.min() < 0.5 < row.max():
            order = np.argsort(row)
            found[i] = 10 ** np.interp(0.5, row[order], logs[order])
    return found
