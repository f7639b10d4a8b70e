"""The registry of tuned versions: what they have seen, whether they are good enough."""
