"""Image files: one module per format, one line in the list of formats."""
