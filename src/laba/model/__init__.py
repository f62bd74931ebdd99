"""The nouns: frozen values that are valid from birth. No clock, no JSON, no I/O (design.md section 2)."""
