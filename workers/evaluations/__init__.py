"""Evaluations as jobs of the workers."""
