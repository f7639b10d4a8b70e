"""A run's folder as cells: all predictions of one arm on one question."""
