"""Access: which paths are open, which are hidden, and to which addresses."""
