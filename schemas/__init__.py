"""What two rooms must agree on: study, models, plan, parts, predictions, events, paths, names, errors. No I/O."""
