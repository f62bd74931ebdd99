"""The Centrifuge client protocol v2, by which laba's native clients speak (design.md section 5).

The protocol is open (centrifugal.dev, client.proto of centrifugal/protocol). It has two forms, `json` and `protobuf`,
with the same verbs: `read` a frame into events, `write` a command, `push` a publication. Which one a client speaks
makes no difference to what it can say. JSON is the form meant where none is named.
"""

from laba.protocols.centrifuge import json, protobuf
from laba.protocols.centrifuge.json import push, read, write
from laba.protocols.centrifuge.requests import denial, reason

__all__ = ["denial", "json", "protobuf", "push", "read", "reason", "write"]
