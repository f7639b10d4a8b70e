"""Predictions to metrics, baselines and reports. Reads the run folder only."""
