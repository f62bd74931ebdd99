"""HTTP/2 out: many calls at once over few connections."""
