"""Programs for those who work on the gateway. Nothing here is part of the package."""
