"""Persona fields and match variables, given or derived."""
