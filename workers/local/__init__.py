"""One machine without a Redis of its own: embedded server, supervisor, their locks."""
