"""Auth: who is calling, and whether that key still holds."""
