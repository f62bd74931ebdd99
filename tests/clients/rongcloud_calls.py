"""RongCloud's official server SDK for Python, unmodified, pointed at laba.

    python rongcloud_calls.py BASE_URL APP_KEY APP_SECRET CALLS

CALLS is a JSON array of [name, method path, arguments], as in ["tags", "get_user.get_tag.set", {"user_ids": "u"}].
Standard output: one JSON object, name -> what the SDK returned, text where that is bytes.
"""

import json
import sys

from rongcloud.rongcloud import RongCloud


def main(base, key, secret, calls):
    told = {}
    for name, path, arguments in json.loads(calls):
        owner = RongCloud(key, secret, base)
        *getters, method = path.split(".")
        for getter in getters:
            owner = getattr(owner, getter)()
        answer = getattr(owner, method)(**arguments)
        told[name] = answer.decode() if isinstance(answer, bytes) else answer
    print(json.dumps(told))  # noqa: T201 - its one output


main(*sys.argv[1:])
