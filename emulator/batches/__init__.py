"""Batches: created, worked off as time goes by, spoiled on purpose."""
