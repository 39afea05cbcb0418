"""Checks of the request itself."""
