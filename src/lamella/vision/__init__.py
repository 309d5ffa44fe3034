"""Pixels to shapes: gaps, fronts, fields of view. Pure arrays in, frozen results out."""
