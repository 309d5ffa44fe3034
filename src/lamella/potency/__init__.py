"""Dose-response: curves, intervals, verdicts, batches. Pure arrays in, frozen results out."""
