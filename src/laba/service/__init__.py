"""Choreography: calls the pure rooms and the ports in the right order, and decides nothing itself."""
