"""From respondents and questions to what a model is asked, word for word."""
