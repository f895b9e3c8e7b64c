"""No metadata service is asked, and no server that another one leads to."""

import asyncio
import json
import socket
from urllib.parse import quote

import httpcore2
import pytest

from chat_app.errors import AddressRefused, ModelUnreachable, NoModelList, Redirected, RequestRefused
from chat_app.messages import ChatRequest, Message, TextPart
from chat_app.providers.addresses import Guarded, NoModelThere
from chat_app.providers.anthropic import AnthropicProvider
from chat_app.providers.connections import connections_to
from chat_app.providers.openai import OpenAIProvider
from chat_app.providers.vllm import VllmProvider
from tests.upstream import Script, Upstream

KEY = "sk-fake-and-secret"
WIRES = [OpenAIProvider, AnthropicProvider, VllmProvider]


def _provider(kind, url: str):
    return kind(server="Mine", base_url=url, api_key=KEY, connect_timeout_s=1)


@pytest.mark.parametrize("kind", WIRES)
@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "169.254.170.2", "2852039166", "0xA9FEA9FE", "169.254.43518", "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "[fd00:ec2::254]", "[fd00:c1::a9fe:a9fe]",
        "[fd00:42::42]", "[fd00:a9fe:a9fe::1]", "[64:ff9b:1::a9fe:a9fe]", "[::169.254.169.254]", "100.100.100.200", "168.63.129.16",
    ],
)  # fmt: skip
async def test_an_address_of_a_metadata_service_is_refused_however_it_is_written(host, kind):
    for scheme in ("http", "https"):
        provider = _provider(kind, f"{scheme}://{host}/v1")
        with pytest.raises(AddressRefused):
            await provider.offers()
        with pytest.raises(AddressRefused):
            _ = [event async for event in provider.stream("m", ChatRequest("m", (Message("user", (TextPart("hi"),)),)))]
        await provider.aclose()


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "0xA9FEA9FE", "[::ffff:169.254.169.254]"])
async def test_an_address_of_a_metadata_service_is_refused_behind_a_proxy_too(monkeypatch, host):
    with Upstream(["theirs"]).serve() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        provider = _provider(OpenAIProvider, f"http://{host}/v1")
        with pytest.raises(AddressRefused):
            await provider.offers()
        await provider.aclose()
        assert proxy.calls == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_name_that_leads_to_a_metadata_service_is_refused(monkeypatch):
    async def found(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in ("10.0.0.1", "169.254.169.254")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found, raising=False)
    async with connections_to("http://models.example/v1", 1) as client:
        with pytest.raises(NoModelThere):
            await client.get("models")


class _Stream(httpcore2.AsyncNetworkStream):
    is_closed = False

    def get_extra_info(self, info):
        return ("169.254.169.254", 80) if info == "server_addr" else None

    async def aclose(self):
        self.is_closed = True


async def test_a_name_that_leads_there_only_the_second_time_it_is_looked_up_is_sent_nothing():
    stream = _Stream()

    class Backend(httpcore2.AsyncNetworkBackend):
        async def connect_tcp(self, *_):
            return stream

    with pytest.raises(NoModelThere):
        await Guarded(Backend()).connect_tcp("localhost", 80)
    assert stream.is_closed


async def test_addresses_of_ones_own_network_are_no_metadata_services():
    for host in ("127.0.0.1", "[::1]"):
        provider = _provider(OpenAIProvider, f"http://{host}:9/v1")
        with pytest.raises(ModelUnreachable):
            await provider.offers()


@pytest.mark.parametrize("kind", WIRES)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_server_that_leads_elsewhere_is_not_followed_and_the_other_never_sees_the_key(kind, status):
    with Upstream(["theirs"]).serve() as other, Upstream(["ours"]).serve() as upstream:
        for target in (other.url, "http://169.254.169.254/latest"):
            place = f"{target}/models"
            upstream.models_status, upstream.models_headers = status, {"location": f"{place}?token=x"}
            upstream.then(Script(status=status, headers={"location": place}))
            provider = _provider(kind, upstream.url if kind is not AnthropicProvider else upstream.url[:-3])
            with pytest.raises(Redirected) as refused:
                await provider.offers()
            assert refused.value.detail == place
            with pytest.raises(Redirected):
                _ = [e async for e in provider.stream("m", ChatRequest("m", (Message("user", (TextPart("hi"),)),)))]
            await provider.aclose()
        assert other.calls == []


async def test_a_key_that_a_server_sends_back_is_nowhere_in_what_is_kept_of_its_answer():
    key = 'sk-fake"and\\secret'
    told = [key, json.dumps(key)[1:-1], quote(key, safe="")]
    with Upstream(["ours"]).serve() as upstream:
        provider = OpenAIProvider(server="Mine", base_url=upstream.url, api_key=key, connect_timeout_s=1)
        upstream.models_status, upstream.models_headers = 307, {"location": f"http://login.example/{told[2]}"}
        with pytest.raises(Redirected) as redirected:
            await provider.offers()
        upstream.models_status, upstream.models_headers, upstream.models_page = 200, {}, ("x" * 190 + key).encode()
        with pytest.raises(NoModelList) as unlisted:
            await provider.offers()
        upstream.then(Script(status=400, body={"error": {"message": f"bad key {key} \ud800"}}))
        with pytest.raises(RequestRefused) as refused:
            _ = [e async for e in provider.stream("m", ChatRequest("m", (Message("user", (TextPart("hi"),)),)))]
        await provider.aclose()
    for error in (redirected, unlisted, refused):
        detail = error.value.detail
        assert not any(each in detail for each in (*told, key[:7])), detail
        detail.encode()


async def test_a_redirect_within_the_server_is_followed():
    with Upstream(["ours"]).serve() as upstream:
        async with connections_to(upstream.url, 1) as client:
            upstream.models_status, upstream.models_headers = 307, {"location": f"{upstream.url}/other"}
            answer = await client.get("models")
            assert (answer.status_code, answer.url.path) == (200, "/v1/other")
