"""Limits: how often a key, an organisation or an API may be used."""
