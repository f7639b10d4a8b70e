"""From a plan to training files, checks, jobs, deployments and the registry of tuned models."""
