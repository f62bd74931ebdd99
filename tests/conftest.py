import pytest


@pytest.fixture
def anyio_backend():
    """One runtime: asyncio."""
    return "asyncio"
