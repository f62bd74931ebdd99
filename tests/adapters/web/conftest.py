import pytest


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def anyio_backend(request):
    """Both loops: the one in production, and the one of the standard library."""
    return "asyncio", {"use_uvloop": request.param}
