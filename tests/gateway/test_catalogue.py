import asyncio
import socket

import pytest

from chat_app.errors import KeyRefused, ModelFailed, ModelUnknown, ModelUnreachable
from chat_app.gateway.catalogue import Catalogue
from chat_app.gateway.discovery import LocalServers, configured_providers
from chat_app.gateway.model_files import model_files, read_model_files
from chat_app.providers.base import Offer
from chat_app.providers.fake import FakeProvider
from tests.conftest import make_settings
from tests.gateway.catalogues import catalogue_of, named
from tests.upstream import Upstream
from tests.waiting import until


async def test_models_are_listed_from_every_server_and_told_apart(tmp_path, upstream):
    with Upstream(["echo", "more"]).serve() as second:
        catalogue = await catalogue_of(tmp_path, openai_base_url=upstream.url, vllm_base_url=(second.url,))
        cards = catalogue.cards()
        await catalogue.aclose()

    assert [card.id for card in cards] == ["echo", f"echo (vLLM 127.0.0.1:{second.port})", "more"]
    assert catalogue.resolve(cards[1].id).deployments[0].upstream == "echo"
    assert cards[0].context_tokens == 8192


async def test_a_model_that_appears_or_goes_is_seen_without_a_restart(tmp_path, upstream):
    catalogue = await catalogue_of(tmp_path, vllm_base_url=(upstream.url,))
    told: list[int] = []
    catalogue.on_change(lambda: told.append(1))
    upstream.models.append({"id": "new"})
    await catalogue.refresh()
    assert catalogue.resolve("new").card.context_tokens is None
    upstream.models.clear()
    await catalogue.refresh()
    with pytest.raises(ModelUnknown, match="No server offers new now"):
        catalogue.resolve("new")
    await catalogue.refresh()
    await catalogue.aclose()

    assert len(told) == 2


async def test_a_server_that_is_down_offers_nothing_and_is_said(tmp_path):
    catalogue = await catalogue_of(tmp_path, vllm_base_url=("http://127.0.0.1:9/v1",))
    await catalogue.aclose()

    assert catalogue.cards() == []
    assert "No answer from vLLM 127.0.0.1:9" in str(catalogue.problems["vLLM 127.0.0.1:9"])


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (401, KeyRefused, "refused the key"),
        (0, ModelUnreachable, "No answer from"),
    ],
)
async def test_a_model_whose_server_lists_nothing_any_more_says_what_became_of_the_server(
    tmp_path, status, error, sentence
):
    with Upstream(["echo"]).serve() as server:
        catalogue = await catalogue_of(tmp_path, vllm_base_url=(server.url,))
        told: list[int] = []
        catalogue.on_change(lambda: told.append(1))
        server.models_status = status
        if status:
            await catalogue.refresh()
    if not status:  # it is gone
        await catalogue.refresh()
    with pytest.raises(error, match=rf"{sentence}|vLLM 127.0.0.1:{server.port} {sentence}"):
        catalogue.resolve("echo")
    await catalogue.aclose()

    assert catalogue.server_of("echo") == f"vLLM 127.0.0.1:{server.port}"
    assert told == [1]


async def test_a_server_that_fails_to_list_still_serves_what_it_did_and_what_is_wrong_is_said(tmp_path, upstream):
    catalogue = await catalogue_of(tmp_path, vllm_base_url=(upstream.url,))
    upstream.models_status = 500
    await catalogue.refresh()
    (server,) = catalogue.servers()
    await catalogue.aclose()

    assert catalogue.resolve("echo").card.context_tokens == 8192
    assert isinstance(server.problem, ModelFailed)
    assert [model.id for model in server.models] == ["echo"]


async def test_a_key_with_letters_that_no_header_can_have_is_said_of_its_server_alone(tmp_path, upstream):
    catalogue = await catalogue_of(tmp_path, openai_base_url=upstream.url, openai_api_key="sk-é")
    (server,) = catalogue.servers()
    await catalogue.aclose()

    assert "letters" in str(server.problem)
    assert "é" not in str(server.problem) + server.problem.detail


async def test_without_a_key_openai_is_absent_and_with_one_its_aliases_are_offered(tmp_path, upstream):
    assert configured_providers(make_settings(tmp_path)) == []

    (tmp_path / "models.toml").write_text(
        f'[models.mine]\nprovider = "127.0.0.1:{upstream.port}"\nmodel = "echo"\ncontext_tokens = 5\n'
    )
    catalogue = await catalogue_of(tmp_path, openai_base_url=upstream.url)
    route = catalogue.resolve("mine")
    await catalogue.aclose()

    assert (route.deployments[0].upstream, route.card.context_tokens) == ("echo", 5)


async def test_a_discovered_model_never_shadows_an_alias(tmp_path, upstream):
    (tmp_path / "models.toml").write_text(f'[models.echo]\nprovider = "127.0.0.1:{upstream.port}"\nmodel = "real"\n')
    catalogue = await catalogue_of(tmp_path, openai_base_url=upstream.url)
    await catalogue.aclose()

    assert [each.upstream for each in catalogue.resolve("echo").deployments] == ["real"]


def test_the_packaged_file_has_todays_models_of_each_vendor(tmp_path):
    settings = make_settings(tmp_path)
    models = read_model_files(*model_files(settings)).models
    by_vendor = {
        vendor: {n for n, each in models.items() if each.provider.lower() == vendor.lower()} for vendor in VENDORS
    }

    for vendor, wanted in VENDORS.items():
        assert wanted <= by_vendor[vendor]
        assert all(models[name].capabilities for name in wanted)


VENDORS = {
    "OpenAI": {"gpt-6-sol", "gpt-6-luna", "gpt-6.2-astra"},
    "Anthropic": {"claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"},
    "Qwen": {"qwen-plus", "qwen-max", "qwen3-vl-plus"},
}


def test_the_packaged_file_is_overridden_entry_by_entry(tmp_path):
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    first.write_text('[models.x]\nprovider = "a"\n[models.y]\nprovider = "a"\n')
    second.write_text('[models.y]\nprovider = "b"\n')

    read = read_model_files(first, second, tmp_path / "none").models
    assert {name: alias.provider for name, alias in read.items()} == {"x": "a", "y": "b"}


@pytest.mark.parametrize(
    "text",
    [
        "[models.x]\n",
        "nope",
        "[models.x]\nprovider = 3\n",
        '[models.x]\nprovider = "a"\nwieght = 3\n',
        '[models.x]\nprovider = "a"\ndeployments = [{ provider = "b" }]\n',
        '[models.x]\ndeployments = [{ provider = "b", weight = -1 }]\n',
        '[models.x]\ndeployments = [{ provider = "b", weight = nan }]\n',
        '[models.x]\nprovider = "a"\ncapabilities = ["smell"]\n',
        '[servers.x]\nbase_url = "there"\n',
        '[servers.x]\nbase_url = "http://a"\nwire = "grpc"\n',
    ],
)
def test_a_wrong_file_stops_the_start_with_its_name(tmp_path, text):
    (tmp_path / "models.toml").write_text(text)
    with pytest.raises(SystemExit, match=r"models\.toml"):
        read_model_files(tmp_path / "models.toml")


async def test_servers_on_this_machine_are_found_by_themselves_and_go_with_their_server(tmp_path):
    with Upstream(["local-model"]).serve() as server, socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
        closed.close()
        local = (("LM Studio", server.port), ("Ollama", nobody), ("llama.cpp", 8080))
        settings = make_settings(tmp_path, discover_servers=True, discover_timeout_s=10, port=8080)
        catalogue = Catalogue(settings, [FakeProvider()], local=local)
        await catalogue.refresh()

        cards = {card.id: card.server for card in catalogue.cards()}
        assert cards == {"fake": "fake", "local-model": f"LM Studio 127.0.0.1:{server.port}"}
    await catalogue.refresh()
    assert [card.id for card in catalogue.cards()] == ["fake"]
    with pytest.raises(ModelUnreachable, match=f"No answer from LM Studio 127.0.0.1:{server.port}"):
        catalogue.resolve("local-model")
    await catalogue.aclose()


async def test_what_failed_on_this_machine_and_then_went_away_is_forgotten(tmp_path):
    with Upstream(["local-model"]).serve() as server:
        server.models_status = 500
        settings = make_settings(tmp_path, discover_servers=True, discover_timeout_s=10)
        catalogue = Catalogue(settings, [FakeProvider()], local=(("LM Studio", server.port),))
        await catalogue.refresh()
        assert list(catalogue.problems) == [f"LM Studio 127.0.0.1:{server.port}"]
    told: list[int] = []
    catalogue.on_change(lambda: told.append(1))
    await catalogue.refresh()
    await catalogue.aclose()

    assert catalogue.problems == {}
    assert told == [1]


async def test_another_programs_page_on_a_usual_port_ends_nothing(tmp_path):
    with Upstream(["x"]).serve() as server:
        server.models_page = b"<!doctype html><p>a page of somebody's"
        settings = make_settings(tmp_path, discover_servers=True, discover_timeout_s=10)
        catalogue = Catalogue(settings, [FakeProvider()], local=(("llama.cpp", server.port),))
        await catalogue.refresh()
        await catalogue.aclose()

    assert [card.id for card in catalogue.cards()] == ["fake"]


async def test_the_usual_ports_are_all_tried_at_once_and_given_up_together(tmp_path, monkeypatch):
    tried: list[int] = []
    given_up: list[int] = []

    async def never(_host: str, port: int):
        tried.append(port)
        try:
            await asyncio.Event().wait()
        finally:
            given_up.append(len(tried))

    monkeypatch.setattr(asyncio, "open_connection", never)
    settings = make_settings(tmp_path, discover_servers=True, discover_timeout_s=0.01)

    assert await LocalServers(settings).listening() == []
    assert sorted(tried) == [1234, 8000, 8080, 11434]
    assert given_up == [4, 4, 4, 4]


class _Slow(FakeProvider):
    async def offers(self) -> list[Offer]:
        await asyncio.sleep(60)
        return []


async def test_a_silent_server_does_not_hold_up_the_others(tmp_path):
    catalogue = Catalogue(make_settings(tmp_path), [_Slow(), FakeProvider()])
    async with asyncio.TaskGroup() as group:
        refreshing = group.create_task(catalogue.refresh())

        async def listed() -> list[str]:
            return [card.id for card in catalogue.cards()]

        assert await until(listed) == ["fake"]
        assert not refreshing.done()
        refreshing.cancel()


async def test_a_port_that_is_open_and_silent_holds_up_the_first_question_no_longer_than_the_look_for_ports(tmp_path):
    held: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _reader, writer: held.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    settings = make_settings(tmp_path, models_timeout_s=60, discover_servers=True, discover_timeout_s=3)
    catalogue = Catalogue(settings, [FakeProvider()], local=[("vLLM", port)])
    refreshing = asyncio.create_task(catalogue.refresh())
    await catalogue.looked()

    assert [card.id for card in catalogue.cards()] == ["fake"]
    assert not refreshing.done()
    refreshing.cancel()
    await asyncio.wait([refreshing])
    for writer in held:
        writer.close()
    silent.close()
    await catalogue.aclose()


async def test_an_alias_without_a_context_has_the_one_that_is_listed(tmp_path):
    catalogue = Catalogue(make_settings(tmp_path), [named("Anthropic", "claude-opus-5-5")])
    await catalogue.refresh()

    assert catalogue.resolve("claude-opus-5-5").card.context_tokens == 1000


def test_a_vendor_is_there_with_its_key_and_another_server_with_its_address(tmp_path):
    keys = {"anthropic_api_key": "sk-fake", "dashscope_api_key": "sk-fake"}
    region = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"
    found = configured_providers(make_settings(tmp_path, **keys, dashscope_base_url=region))
    other = configured_providers(make_settings(tmp_path, anthropic_base_url="http://127.0.0.1:9"))

    assert [(provider.server, provider.kind) for provider in found] == [("Anthropic", "anthropic"), ("Qwen", "qwen")]
    assert [provider.server for provider in other] == ["Anthropic 127.0.0.1:9"]


async def test_a_server_in_the_file_needs_no_code_and_its_key_comes_from_the_variable_it_names(
    tmp_path, upstream, monkeypatch
):
    (tmp_path / "models.toml").write_text(
        f"""
        [servers.together]
        base_url = "{upstream.url}"
        key_variable = "TOGETHER_API_KEY"

        [models.mine]
        provider = "together"
        model = "echo"
        """
    )
    assert configured_providers(make_settings(tmp_path)) == []

    monkeypatch.setenv("TOGETHER_API_KEY", "sk-fake-together")
    catalogue = await catalogue_of(tmp_path)
    await catalogue.aclose()

    assert upstream.calls[-1].headers["authorization"] == "Bearer sk-fake-together"
    assert [(card.id, card.server, card.context_tokens) for card in catalogue.cards()] == [
        ("mine", "together", 8192),
        ("echo", "together", 8192),
    ]


async def test_an_alias_of_vllm_leads_to_every_vllm_that_lists_the_model(tmp_path, upstream):
    (tmp_path / "models.toml").write_text('[models.mine]\nprovider = "vllm"\nmodel = "echo"\n')
    with Upstream(["echo"]).serve() as second, Upstream(["other"]).serve() as third:
        catalogue = await catalogue_of(tmp_path, vllm_base_url=(upstream.url, second.url, third.url))
        await catalogue.aclose()

    assert [each.name for each in catalogue.resolve("mine").deployments] == [
        f"vLLM 127.0.0.1:{server.port}/echo" for server in (upstream, second)
    ]


async def test_an_adapter_says_what_it_stands_on(tmp_path, upstream):
    upstream.models.append({"id": "adapter", "parent": "echo", "max_model_len": 10})
    catalogue = await catalogue_of(tmp_path, vllm_base_url=(upstream.url,))
    await catalogue.aclose()

    assert catalogue.resolve("adapter").card.parent == "echo"


async def test_a_server_of_the_file_on_a_usual_port_is_not_found_a_second_time(tmp_path, upstream):
    (tmp_path / "models.toml").write_text(f'[servers.mine]\nbase_url = "{upstream.url}"\nwire = "vllm"\n')
    settings = make_settings(tmp_path, discover_servers=True)
    catalogue = Catalogue(settings, configured_providers(settings), local=(("vLLM", upstream.port),))
    await catalogue.refresh()
    await catalogue.aclose()

    assert [each.name for each in catalogue.resolve("echo").deployments] == ["mine/echo"]
