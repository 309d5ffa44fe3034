"""One module per assay, each ending in one value; listed here once."""
