"""A checker of texts that speaks Yidun's form protocol over a real socket (vendor-apis.md 3.4)."""

import asyncio
import hashlib
import json
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

SECRET_ID, SECRET_KEY, BUSINESS = "the-id", "the-key-of-the-checker", "business-1"


def digest(form, secret_key):
    """Sign by the vendor's rule: every name and value in the order of the names, then the key."""
    text = ""
    for name in sorted(form):
        if name != "signature":
            text += name + form[name]
    return hashlib.md5((text + secret_key).encode("utf-8")).hexdigest()


@dataclass
class Yidun:
    """Blocks a text with `block` in it, suspects one with `suspect`, and passes the rest.

    `moods` are for the next calls: "hang", "close", "half", a status, or bytes as the body of a 200.
    """

    forms: list = field(default_factory=list)
    moods: deque = field(default_factory=deque)
    port: int = 0
    old: bool = False
    open: dict = field(default_factory=dict)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v5/text/check"

    async def serve(self, reader, writer):
        self.open[asyncio.current_task()] = writer
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                request, *lines = head.strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers["content-length"]))
                answer = self._answered(request, headers, body)
                if answer == "hang":
                    await reader.read()
                    return
                if answer == "close":
                    return
                if answer == "half":
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
                    return
                status, content = answer
                writer.write(b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n\r\n%b" % (status, len(content), content))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            del self.open[asyncio.current_task()]

    def _answered(self, request, headers, body):
        mood = self.moods.popleft() if self.moods else None
        if isinstance(mood, str):
            return mood
        if isinstance(mood, int):
            return mood, b"{}"
        if isinstance(mood, bytes):
            return 200, mood
        return 200, json.dumps(self._judged(request, headers, body)).encode()

    def _judged(self, request, headers, body):
        form = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True))
        self.forms.append(form)
        if request.split(" ")[:2] != ["POST", "/v5/text/check"]:
            return {"code": 404, "msg": "not found"}
        if not headers["content-type"].startswith("application/x-www-form-urlencoded"):
            return {"code": 415, "msg": "no form"}
        wanted = {"secretId", "businessId", "version", "timestamp", "nonce", "dataId", "content", "signature"}
        if missing := wanted - form.keys():
            return {"code": 400, "msg": f"missing {sorted(missing)}"}
        if form["secretId"] != SECRET_ID or form["signature"] != digest(form, SECRET_KEY):
            return {"code": 401, "msg": "signature failure"}
        number, label = next(
            (each for word, each in (("block", (2, 200)), ("suspect", (1, 600))) if word in form["content"]), (0, 0)
        )
        labels = [{"label": label, "level": number, "rate": 1.0, "subLabels": []}] if label else []
        if self.old:
            found = {"taskId": "t", "action": number, "labels": labels}
            return {"code": 200, "msg": "ok", "result": found}
        found = {"taskId": "t", "dataId": form["dataId"], "suggestion": number, "resultType": 1, "censorType": 0}
        found |= {"label": label, "labels": labels}
        return {"code": 200, "msg": "ok", "result": {"antispam": found}}


@asynccontextmanager
async def checking(**how):
    """Run one on a free port; give it."""
    yidun = Yidun(**how)
    server = await asyncio.start_server(yidun.serve, "127.0.0.1", 0)
    yidun.port = server.sockets[0].getsockname()[1]
    try:
        yield yidun
    finally:
        server.close()
        for writer in yidun.open.values():
            writer.transport.abort()
        if yidun.open:
            await asyncio.wait(list(yidun.open))
        await server.wait_closed()
        await asyncio.sleep(0)  # until the last transport knows that it is closed
