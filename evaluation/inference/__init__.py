"""How sure a figure is, and what differs: resampling, intervals, tests, comparisons."""
