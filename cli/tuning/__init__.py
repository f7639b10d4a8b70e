"""What the fine-tuning commands do and show."""
