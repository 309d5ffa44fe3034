"""The rules of a sound study, one function each: facts in, faults out."""
