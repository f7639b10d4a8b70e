"""Survey files of each format, read into columns."""
