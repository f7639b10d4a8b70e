"""What commands show: on a terminal, in a pipe, as JSON."""
