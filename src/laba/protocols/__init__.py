"""Client wire protocols, sans-I/O: bytes in, events out; commands in, bytes out."""
