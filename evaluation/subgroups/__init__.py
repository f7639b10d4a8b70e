"""Declared subgroups and their intersections."""
