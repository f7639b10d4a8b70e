"""The overnight queue: what begins, drains, goes on and is told in the morning. `loop` is the step of the keeper."""
