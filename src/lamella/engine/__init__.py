"""Runs calls, one after the other or on several processes, and nothing else."""
