import pytest

from storytelling import told


@pytest.fixture
async def story(tmp_path):
    async with told(tmp_path) as one:
        yield one
