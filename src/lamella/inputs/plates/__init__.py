"""Plate maps: one module per form, one line in the list of forms."""
