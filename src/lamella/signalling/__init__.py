"""FAK signalling and its inhibition: closed forms, networks, calibration, predictions."""

from lamella.signalling.calibrated import Calibration, calibrate, core_problem
from lamella.signalling.calibration import Estimated, Measurements, Problem
from lamella.signalling.diagram import Activities, activities
from lamella.signalling.held_out import Estimate, fit_growth, fit_shift, predicted_ic50
from lamella.signalling.inhibition import (
    DEFACTINIB,
    FakRates,
    Inhibitor,
    apparent_ki_molar,
    biochemical_ic50_molar,
    bound_after,
    free_kinase_fraction,
    occupancy,
    off_target_effect,
    py397_after,
    py397_fraction,
    py397_ic50_molar,
    py397_of_vehicle,
    shift_draws,
)
from lamella.signalling.links import Links, link_draws
from lamella.signalling.models import MODELS, model
from lamella.signalling.network import Network, Parameter, Prior, Reaction, Rule, Species
from lamella.signalling.pathway import Edge, downstream, edges
from lamella.signalling.profiles import Profile, ic50_of, profile, profile_of
from lamella.signalling.rate_laws import Formula, Hill, MassAction, MichaelisMenten
from lamella.signalling.readouts import READOUTS, Band, band, predict
from lamella.signalling.sbml import read_sbml
from lamella.signalling.simulation import Ensemble, Simulation, simulate, simulate_many

__all__ = [
    "DEFACTINIB",
    "MODELS",
    "READOUTS",
    "Activities",
    "Band",
    "Calibration",
    "Edge",
    "Ensemble",
    "Estimate",
    "Estimated",
    "FakRates",
    "Formula",
    "Hill",
    "Inhibitor",
    "Links",
    "MassAction",
    "Measurements",
    "MichaelisMenten",
    "Network",
    "Parameter",
    "Prior",
    "Problem",
    "Profile",
    "Reaction",
    "Rule",
    "Simulation",
    "Species",
    "activities",
    "apparent_ki_molar",
    "band",
    "biochemical_ic50_molar",
    "bound_after",
    "calibrate",
    "core_problem",
    "downstream",
    "edges",
    "fit_growth",
    "fit_shift",
    "free_kinase_fraction",
    "ic50_of",
    "link_draws",
    "model",
    "occupancy",
    "off_target_effect",
    "predict",
    "predicted_ic50",
    "profile",
    "profile_of",
    "py397_after",
    "py397_fraction",
    "py397_ic50_molar",
    "py397_of_vehicle",
    "read_sbml",
    "shift_draws",
    "simulate",
    "simulate_many",
]
