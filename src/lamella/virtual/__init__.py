"""Simulated assays with known truth, as plain arrays."""
