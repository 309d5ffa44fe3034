"""Figures and pages drawn from results. Computes nothing."""
