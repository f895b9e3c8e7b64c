"""Asks one server for its models. Whatever it does, that is said of it alone."""

from __future__ import annotations

import asyncio

import structlog

from chat_app.errors import ModelError, ModelFailed, ModelUnreachable
from chat_app.providers.base import Offer, Provider

log = structlog.get_logger(__name__)
_MOST_MODELS, _MOST_ID_CHARS = 5000, 300


async def listed_by(provider: Provider, timeout_s: float) -> list[Offer]:
    """The models of a server, as many as anybody has.

    Raises:
        ModelError: It does not list them, or not in time.
    """
    try:
        async with asyncio.timeout(timeout_s):
            offers = await provider.offers()
    except ModelError:
        raise
    except TimeoutError as error:
        raise ModelUnreachable(f"{provider.server} did not list its models in time.") from error
    except UnicodeError as error:
        sentence = f"{provider.server} cannot be asked: its address or key has letters that none can have."
        raise ModelFailed(sentence) from error
    except Exception as error:  # a fault of ours, or of a server that nobody thought of: the others go on
        log.exception("models.fault", server=provider.server)
        raise ModelFailed(f"{provider.server} failed.") from error
    return [offer for offer in offers if len(offer.model) <= _MOST_ID_CHARS][:_MOST_MODELS]
