"""Server-sent events (HTML Living Standard section 9.2.6, "Interpreting an event stream")."""


def event(data: bytes, event_id: str = "") -> bytes:
    """Write one event of `data`, which has no line breaks.

    With an id, a browser that comes back names the last one it has as `Last-Event-ID`.
    """
    if event_id:
        return b"id: %b\ndata: %b\n\n" % (event_id.encode(), data)
    return b"data: %b\n\n" % data


def patience(seconds: int) -> bytes:
    """Tell a browser how long to wait before it comes back by itself."""
    return b"retry: %d\n\n" % (seconds * 1000)
