"""What becomes of a registered version whose answers go bad in a run: judged from the store, paused or rolled back."""
