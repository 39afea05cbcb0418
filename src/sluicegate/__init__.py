"""Sluicegate: an API gateway in Python, built cluster-first, that speaks Tyk."""

__version__ = "0.1.0"
