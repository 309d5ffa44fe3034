"""The command line: parse, call the study, show."""
