"""FAK signalling and its inhibition."""
