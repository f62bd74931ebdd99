"""HTTP over ASGI: requests become values, values become responses."""
