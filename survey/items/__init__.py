"""Questions of every kind: codebook entries, and everyone's answer."""
