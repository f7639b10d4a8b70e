"""What predictions are worth beside human interviews."""
