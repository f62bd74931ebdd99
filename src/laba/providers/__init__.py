"""Services of others that laba calls: how a request to one is built, and its reply read. Pure."""
