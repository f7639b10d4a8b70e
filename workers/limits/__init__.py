"""What a service allows: quota of a pool over all hosts, hints, breakers, calls at once."""
