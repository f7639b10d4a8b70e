"""What is wrong with a training file, whoever made it, and advice before money is spent."""
