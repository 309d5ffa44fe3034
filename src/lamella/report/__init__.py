"""Figures and pages drawn from results. Computes nothing."""

from lamella.report.page import render

__all__ = ["render"]
