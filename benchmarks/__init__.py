"""Measurements of planning, engine and evaluation; `python -m benchmarks --help` lists them."""
