"""Catalogues over servers and over fakes."""

from unittest.mock import AsyncMock

from chat_app.gateway.catalogue import Catalogue
from chat_app.gateway.discovery import configured_providers
from chat_app.providers.base import Offer
from chat_app.providers.fake import FakeProvider
from tests.conftest import make_settings


async def catalogue_of(tmp_path, **settings) -> Catalogue:
    made = make_settings(tmp_path, **settings)
    catalogue = Catalogue(made, configured_providers(made))
    await catalogue.refresh()
    return catalogue


def named(server: str, *models: str) -> FakeProvider:
    provider = FakeProvider()
    provider.server = server
    provider.vendor = server if server in ("OpenAI", "Anthropic", "Qwen") else ""
    provider.offers = AsyncMock(return_value=[Offer(model, 1000) for model in models])
    return provider
