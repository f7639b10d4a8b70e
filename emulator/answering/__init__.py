"""What the model says: from a prompt to an answer with tokens and probabilities."""
