"""The nightpoll command: parses, builds settings, calls one function, prints."""
