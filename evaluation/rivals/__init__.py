"""Baselines: what guessing, human shares, a logit and boosted trees make of the same respondents."""
