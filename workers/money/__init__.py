"""Budgets of a run and of a month: reserved before a call, settled after it."""
