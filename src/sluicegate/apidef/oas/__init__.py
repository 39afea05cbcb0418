"""OpenAPI documents with the extension `x-tyk-api-gateway`: its mirror, the way to a classic definition and back."""
