"""One request from its turn at the limiter to its outcome, its retries and turns included."""
