"""laba (喇叭): a self-hosted broadcast server for instant messaging."""
