"""Fine-tuning jobs, real training, deployments of what comes of it."""
