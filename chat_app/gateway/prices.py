"""What a call costs: by the price in `models.toml`, or else by the vendors' lists in genai-prices.

An unknown price is None, which is not 0: a model on a machine of one's own costs whatever its owner says it does.
"""

from __future__ import annotations

import ipaddress
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chat_app.gateway.model_files import Price
from chat_app.gateway.route import Deployment
from chat_app.messages import Usage
from chat_app.providers.passages import KIND as PASSAGES

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

_MICROS = Decimal(1_000_000)


def cost_micros(usage: Usage, deployment: Deployment) -> int | None:
    """What these tokens cost in micro-dollars, rounded; None where the price or the tokens are not known."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    if deployment.provider.kind == PASSAGES:
        return 0
    if deployment.price is not None:
        return _by_price(usage, usage.input_tokens, usage.output_tokens, deployment.price)
    return _by_list(usage, deployment.provider.base_url, deployment.upstream)


def _by_price(usage: Usage, input_tokens: int, output_tokens: int, price: Price) -> int:
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    plain = input_tokens - cached - written
    cached_price = price.input if price.cached is None else price.cached
    write_price = price.input if price.cache_write is None else price.cache_write
    # Dollars per million tokens are micro-dollars per token.
    return round(plain * price.input + cached * cached_price + written * write_price + output_tokens * price.output)


def _by_list(usage: Usage, base_url: str, model: str) -> int | None:
    if not is_public(base_url):
        return None
    found = _listed(base_url, model)
    if found is None:
        return None
    from genai_prices import Usage as Tokens

    provider, info = found
    tokens = Tokens(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
    )
    return round(info.calc_price(tokens, provider).total_price * _MICROS)


@lru_cache(maxsize=1000)  # names may be made up, without end
def _listed(base_url: str, model: str) -> tuple[Provider, ModelInfo] | None:
    """The lists are 1.6 MB of Python, and are read only where a vendor is asked."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        return get_snapshot().find_provider_model(model, None, None, base_url)
    except LookupError:
        return None


def is_public(base_url: str) -> bool:
    """Whether a server may be a vendor's: no list knows a machine of one's own."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host
