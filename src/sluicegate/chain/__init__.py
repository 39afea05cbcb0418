"""The chain: what an exchange is, what a middleware is, and what it may decide."""
