import pytest

from houses import Clients, opened


@pytest.fixture
async def house(tmp_path):
    """A house on a store of its own, with one app."""
    async with opened(tmp_path) as house:
        yield house


@pytest.fixture
def clients(house):
    """The house's clients."""
    return Clients(house)
