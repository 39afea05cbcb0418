"""Transforms: what is changed of a request before it goes on, and of its answer before it leaves."""
