"""Tuned models in service: put there, waited for, paid by the hour."""
