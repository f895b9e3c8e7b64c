"""Services over models that a replay can ask."""

import pytest

from tests.conftest import services_with
from tests.conversations.replay.voices import Voices


@pytest.fixture
def voices() -> Voices:
    return Voices()


@pytest.fixture
async def services(tmp_path, each_database, voices):
    async with services_with(tmp_path, voices) as opened:
        yield opened
