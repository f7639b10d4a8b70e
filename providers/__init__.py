"""OpenAI and Azure clients, errors translated once, parameter families, token counts, prices. Only room that imports openai."""
