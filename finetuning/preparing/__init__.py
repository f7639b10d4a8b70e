"""Training files made of a plan: lines, conversations, balance, order."""
