"""A server in laba's place on the operator's socket, for the tests of the command line."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import UnixStreamServer

from laba.cli.office import SOCKET_NAME


class Scripted(BaseHTTPRequestHandler):
    """A server in laba's place: gives one of `answers` after the other, the last for ever; hangs up for None."""

    answers = ((200, b"{}"),)

    def do_POST(self):
        self.server.seen.append((self.path, self.rfile.read(int(self.headers["content-length"] or 0))))
        answer = self.answers[min(len(self.server.seen), len(self.answers)) - 1]
        if answer is None:
            return
        status, body = answer
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the library's name

    def log_message(self, *arguments):
        """Say nothing."""


@contextmanager
def answering(folder, *answers):
    handler = type("Handler", (Scripted,), {"answers": answers})
    with UnixStreamServer(str(folder / SOCKET_NAME), handler) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
