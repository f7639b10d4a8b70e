"""Makes this folder win over the `tests` package that ppi-python installs by mistake; the only one below tests/."""
