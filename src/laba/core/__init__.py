"""Decisions. May hold state, never does I/O; time, ids and load arrive as arguments."""
