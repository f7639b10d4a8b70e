"""Jobs at a service: submitted once, watched, billed."""
