"""laba's own REST, under /v1: JSON in, JSON out. The command line speaks it too; nobody has a private door."""
