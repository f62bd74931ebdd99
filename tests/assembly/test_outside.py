"""What pushes go by, put together as the server has it."""

from dataclasses import replace
from pathlib import Path

import pytest

from builders import ground
from laba.assembly.outside import push_tools
from laba.config import Settings
from laba.config.sections import Push
from laba.model.http import HttpCall
from push_services import apns_serving, web_push_serving

pytestmark = pytest.mark.anyio


def trusted(folder, *fakes):
    """Write a file with the certificates of all."""
    file = folder / "all.pem"
    file.write_text("".join(Path(fake.ca_file).read_text() for fake in fakes))
    return str(file)


async def test_a_service_that_is_old_leaves_the_others_their_http_2(tmp_path):
    """What speaks to the old one says so in its handshake; it must not say so to all."""  # S8
    async with web_push_serving(http="1.1") as old, apns_serving() as new:
        settings = replace(Settings(), push=Push(ca_file=trusted(tmp_path, old, new)))
        async with push_tools(settings, ground()) as tools:
            answers = [await tools.courier.send(HttpCall(f"{fake.url}/x", b"{}", {}), 10_000) for fake in (old, new)]
        assert [answer.status for answer in answers] == [404, 404]
        assert new.connections == 1
