"""A study folder: plan, calls, rows, settled results, and what may be said of them."""
