"""How is a curve to be fitted? Every choice in one frozen value that prints itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from lamella.errors import SettingsError, nearest
from lamella.potency.family_fit import Constraints

__all__ = ["FitSettings", "IntervalMethod", "Loss", "PowerOfMean"]

IntervalMethod = Literal["profile", "wald", "delta", "bootstrap", "wild_bootstrap"]
Loss = Literal["squares", "tukey"]


@dataclass(frozen=True, slots=True)
class PowerOfMean:
    """Noise whose SD grows with the response: weight = 1 / |fitted curve|^(2 power).

    `power` 1 is constant percent error, 0.5 is count-like noise. The weights follow the
    fitted curve and are iterated; they multiply weights given in the table.
    """

    power: float = 1.0


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Choices of a fit; the defaults are those of the verdict rules.

    Attributes:
        constraints: Fixed and bounded parameters.
        weighting: None: weights of the table alone; or noise that follows the curve.
        loss: `squares`, or `tukey`: far-off points count less, errors by sandwich.
        positive_is_plateau: Positive controls enter as data at infinite dose.
        target: Fraction of vehicle that the absolute IC50 asks for (0.5: half of vehicle).
        small_effect: No relative IC50 where the whole change is a smaller share of vehicle.
        compare: Fit the other families too, for runner-up, hormesis and lack of fit.
    """

    constraints: Constraints = field(default_factory=Constraints)
    weighting: PowerOfMean | None = None
    loss: Loss = "squares"
    positive_is_plateau: bool = False
    target: float = 0.5
    small_effect: float = 0.3
    compare: bool = True

    def __post_init__(self) -> None:
        """Refuse values without meaning."""
        if self.loss not in get_args(Loss):
            raise SettingsError(
                f"loss '{self.loss}' is not known. {nearest(self.loss, get_args(Loss))}"
            )
        if not 0.0 < self.target < 1.0:
            raise SettingsError(f"target {self.target} is not a fraction of vehicle. Try 0.5.")

    @property
    def printed(self) -> tuple[str, ...]:
        """What differs from the defaults, for the flags of a result."""
        power = f"weights:power_of_mean_{self.weighting.power:g}" if self.weighting else ""
        loss = f"loss:{self.loss}" if self.loss != "squares" else ""
        plateau = "positive_as_plateau" if self.positive_is_plateau else ""
        target = f"target:{self.target:g}" if self.target != 0.5 else ""
        texts = (*self.constraints.printed, power, loss, plateau, target)
        return tuple(text for text in texts if text)
