"""Figures of one cell: individual, distribution, order, numbers, probabilities, joint structure, places."""
