"""One shard from its message to its part: lock, journal, calls, landing."""
