"""What can be wrong with a study, subject by subject; `producer.check` runs them all."""
