"""Stored files: addresses, shelf, contents."""
