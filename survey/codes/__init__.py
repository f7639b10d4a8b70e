"""Answer codes: which are no answer, what labels say, how raw columns become codes."""
