"""A stand-in for OpenAI and Azure OpenAI over HTTP, with quotas, faults and a purchase log."""
