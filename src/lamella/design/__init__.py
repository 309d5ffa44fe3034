"""Doses, protocols and the rules that a plan must keep."""
