import pytest

from process_clients import SDKS
from process_pushes import Services, apns_of, fcm_of, put, trusting, web_push_of
from process_server import serving
from push_services import apns_serving, fcm_serving, web_push_serving


@pytest.fixture(scope="module")
def anyio_backend():
    """One runtime for a module: what runs in it may live as long as its tests."""
    return "asyncio"


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


@pytest.fixture(scope="module")
async def pushing(tmp_path_factory):
    """One server for a module, and the services to which it pushes."""
    folder = tmp_path_factory.mktemp("pushing")
    async with apns_serving() as apns, fcm_serving() as fcm, web_push_serving() as web:
        with serving(folder / "data", **trusting(folder, apns, fcm, web)) as server:
            yield server, Services(apns, fcm, web)


@pytest.fixture
async def services(pushing):
    """The services, which remember nothing, and an app that pushes by them."""
    server, services = pushing
    services.forget()
    enable = ("push", "users_broadcast", "all_users_broadcast")
    services.app = server.new_app(f"acme/push{len(server.operator('GET', '/v1/apps')['apps'])}", enable=enable)
    await put(services.app, "ios", apns_of(services.apns))
    await put(services.app, "android", fcm_of(services.fcm))
    await put(services.app, "web", web_push_of(services.web))
    return services
