"""The clients' connections: sockets, outboxes, timers."""
