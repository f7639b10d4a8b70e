"""Personas, strategies, plan, queue messages."""
