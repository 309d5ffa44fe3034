"""Published evidence with its source, printed value and standing."""
