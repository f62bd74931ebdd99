import pytest

from process_clients import SDKS
from process_server import serving


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for a module whose tests do not end it."""
    with serving(tmp_path_factory.mktemp("data")) as server:
        yield server


@pytest.fixture
def app(server):
    """An app of the test's own that may broadcast without a limit."""
    return server.new_app(f"acme/app{len(server.operator('GET', '/v1/apps')['apps'])}")


@pytest.fixture(params=SDKS)
def sdk(request):
    """Each official SDK in turn."""
    return SDKS[request.param]
