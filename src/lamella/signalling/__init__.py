"""FAK signalling and its inhibition."""

from lamella.signalling.inhibition import (
    DEFACTINIB,
    FakRates,
    Inhibitor,
    apparent_ki_molar,
    biochemical_ic50_molar,
    free_kinase_fraction,
    occupancy,
    py397_after,
    py397_fraction,
    py397_ic50_molar,
    py397_of_vehicle,
    shift_draws,
)
from lamella.signalling.pathway import Edge, downstream, edges

__all__ = [
    "DEFACTINIB",
    "Edge",
    "FakRates",
    "Inhibitor",
    "apparent_ki_molar",
    "biochemical_ic50_molar",
    "downstream",
    "edges",
    "free_kinase_fraction",
    "occupancy",
    "py397_after",
    "py397_fraction",
    "py397_ic50_molar",
    "py397_of_vehicle",
    "shift_draws",
]
