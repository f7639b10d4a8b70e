"""OpenAI and Azure clients, errors translated once, parameter families, token counts, prices.

The only room that imports openai.
"""
