import asyncio
import gc

import pytest


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def anyio_backend(request):
    """Both loops: each has its own TLS."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def quiet_loop(anyio_backend):
    """See that nothing goes wrong of which only the loop is told: of an error nobody took, when it is collected."""
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    yield
    gc.collect()
    assert told == []
