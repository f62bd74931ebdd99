import asyncio

import pytest


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def anyio_backend(request):
    """Both loops: each has its own TLS."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def quiet_loop(anyio_backend):
    """See that nothing goes wrong of which only the loop is told."""
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    yield
    assert told == []
