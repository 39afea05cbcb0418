"""Answers: what the gateway says itself, without asking the upstream."""
