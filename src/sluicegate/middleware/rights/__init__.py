"""Rights: whether the key may use this API, this version, this path."""
