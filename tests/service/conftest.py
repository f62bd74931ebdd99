import pytest

from houses import Clients, opened
from push_services import apns_serving, fcm_serving


@pytest.fixture
async def house(tmp_path):
    """A house on a store of its own, with one app."""
    async with opened(tmp_path) as house:
        yield house


@pytest.fixture
async def apple():
    """An APNs that has two apps."""
    async with apns_serving(topics=("com.example.app", "com.two")) as fake:
        yield fake


@pytest.fixture
async def google():
    async with fcm_serving() as fake:
        yield fake


@pytest.fixture
def clients(house):
    """The house's clients."""
    return Clients(house)
