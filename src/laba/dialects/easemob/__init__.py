"""Easemob's REST words, which are Agora Chat's too: one API under two prefixes (vendor-apis.md 3.1)."""
