"""Rows, shards, totals and files of a plan; `producer.plan` puts them together."""
