"""Long studies are scripts, run by hand; only `bench_*.py` are tests."""

collect_ignore_glob = [
    "coverage_*.py",
    "closed_loop_*.py",
    "gap_reference.py",
    "cells_reference.py",
    "scratch_speed.py",
]
