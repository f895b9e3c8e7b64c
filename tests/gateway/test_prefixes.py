"""A vendor's model that no file names and nobody lists is known by how its name begins."""

import pytest

from chat_app.errors import ModelUnknown
from chat_app.gateway.catalogue import Catalogue
from chat_app.gateway.discovery import configured_providers
from tests.conftest import make_settings
from tests.gateway.catalogues import catalogue_of, named
from tests.upstream import Upstream


async def test_a_vendors_model_is_asked_of_it_also_when_its_list_has_gone(tmp_path):
    with Upstream(["gpt-x"]).serve() as server:
        catalogue = await catalogue_of(tmp_path, openai_base_url=server.url, openai_api_key="sk-fake")
        server.models_status = 401
        await catalogue.refresh()
    route = catalogue.resolve("gpt-x")
    await catalogue.aclose()

    assert route.deployments[0].upstream == "gpt-x"


@pytest.mark.parametrize(
    ("model", "server"),
    [
        ("gpt-4o", "OpenAI"),
        ("o3-mini", "OpenAI"),
        ("claude-3-opus", "Anthropic"),
        ("qwen-max", "Qwen"),
        ("qwen9", "Qwen"),
    ],
)
async def test_a_vendors_model_that_nobody_lists_reaches_its_vendor_by_its_name(tmp_path, model, server):
    vendors = [named(name) for name in ("OpenAI", "Anthropic", "Qwen")]
    catalogue = Catalogue(make_settings(tmp_path), vendors)
    await catalogue.refresh()

    (deployment,) = catalogue.resolve(model).deployments
    assert (deployment.provider.server, deployment.upstream) == (server, model)


@pytest.mark.parametrize("model", ["gpt-4o", "ollama", "olala", "llama", "my-qwen"])
async def test_without_its_vendor_or_its_prefix_a_model_is_unknown(tmp_path, model):
    catalogue = Catalogue(make_settings(tmp_path), [named("Anthropic"), named("Qwen")])
    await catalogue.refresh()

    with pytest.raises(ModelUnknown):
        catalogue.resolve(model)


async def test_a_model_of_a_server_that_is_gone_does_not_go_to_a_vendor_of_its_prefix(tmp_path):
    own = named("vLLM 127.0.0.1:1", "qwen3")
    catalogue = Catalogue(make_settings(tmp_path), [own, named("Qwen")])
    await catalogue.refresh()
    own.offers.return_value = []
    await catalogue.refresh()

    with pytest.raises(ModelUnknown):
        catalogue.resolve("qwen3")


@pytest.mark.parametrize(
    ("model", "setting"),
    [("gpt-4o", "openai"), ("claude-3-opus", "anthropic"), ("qwen-max", "dashscope")],
)
async def test_a_vendors_model_reaches_it_by_its_name_at_a_companys_own_door_and_no_server_without_a_key(
    tmp_path, model, setting
):
    for key, is_reached in (("sk-fake", True), ("", False)):
        settings = make_settings(tmp_path, **{f"{setting}_base_url": "http://10.0.0.9/v1", f"{setting}_api_key": key})
        catalogue = Catalogue(settings, configured_providers(settings))
        if is_reached:
            assert catalogue.resolve(model).deployments[0].provider.base_url == "http://10.0.0.9/v1"
        else:
            with pytest.raises(ModelUnknown):
                catalogue.resolve(model)
        await catalogue.aclose()
