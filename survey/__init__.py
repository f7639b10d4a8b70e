"""Survey files in and out, codebook, missing states, weights, split by respondent."""
