"""What a survey file holds, and a first study made of it."""
