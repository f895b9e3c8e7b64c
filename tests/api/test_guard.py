import base64
import hashlib

import pytest

from chat_app.api.guard import Guard, page_policy, script_hashes
from chat_app.api.identity import Identity
from chat_app.errors import Unauthorized

IDENTITY = Identity("not-a-secret", 3000)
OURS = {"host": "127.0.0.1:3000"}


PAGE = (200, [(b"content-type", b"text/html")])


async def _ask(
    headers: dict[str, str],
    method: str = "GET",
    kind: str = "http",
    answer: tuple[int, list] = PAGE,
    port: int = 3000,
    path: str = "/",
    origins: tuple[str, ...] = (),
) -> tuple[int, dict[str, str]]:
    """Send a request through the guard to a page; give back status and headers."""
    sent: list[dict] = []

    async def page(scope, receive, send) -> None:
        if kind == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": answer[0], "headers": answer[1]})
        await send({"type": "http.response.body", "body": b""})

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}
    if kind == "http":
        scope["method"] = method
    guard = Guard(page, identity=IDENTITY, port=port, policy=page_policy(["'sha256-x'"]), origins=origins)
    await guard(scope, None, send)
    if kind == "websocket":
        return (200 if sent[0]["type"] == "websocket.accept" else 403), {}
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost:3000", "LocalHost:3000", "[::1]:3000"])
async def test_this_machines_names_are_served(host):
    assert (await _ask({"host": host}))[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example:3000",
        "",
        "169.254.169.254",
        "0.0.0.0:3000",
        "localhost",
        "127.0.0.1:3001",
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_another_name_for_this_machine_is_dns_rebinding_and_refused(host, kind):
    assert (await _ask({"host": host, "origin": "http://localhost:3000"}, kind=kind))[0] == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:3001", "https://localhost:3000", ""]
)
@pytest.mark.parametrize(("method", "kind"), [("GET", "http"), ("POST", "http"), ("GET", "websocket")])
async def test_a_page_of_another_origin_is_refused(origin, method, kind):
    assert (await _ask(OURS | {"origin": origin}, method, kind))[0] == 403


@pytest.mark.parametrize(("method", "kind"), [("POST", "http"), ("DELETE", "http"), ("GET", "websocket")])
async def test_what_changes_something_must_say_where_it_comes_from(method, kind):
    assert (await _ask(OURS, method, kind))[0] == 403
    assert (await _ask(OURS | {"origin": "http://localhost:3000"}, method, kind))[0] == 200


async def test_another_site_may_link_here_but_not_load_from_here():
    cross = OURS | {"sec-fetch-site": "cross-site"}
    assert (await _ask(cross | {"sec-fetch-mode": "navigate"}))[0] == 200
    assert (await _ask(cross | {"sec-fetch-mode": "no-cors"}))[0] == 403


async def test_a_first_visit_is_signed_in_and_a_later_one_is_left_alone():
    _, first = await _ask(OURS)
    cookie = first["set-cookie"].split(";")[0]
    _, second = await _ask(OURS | {"cookie": cookie})

    assert IDENTITY.principal(cookie).user_id == "local"
    assert "set-cookie" not in second
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(first["set-cookie"].split("; "))


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_on_the_webs_own_port_a_browser_names_none(kind):
    ours = {"host": "localhost", "origin": "http://localhost"}

    assert (await _ask(ours, "POST", kind, port=80))[0] == 200
    assert (await _ask(ours, "POST", kind))[0] == 403


async def test_where_there_are_other_people_nobody_is_signed_in_unasked(monkeypatch):
    monkeypatch.setattr(IDENTITY, "is_open", False)
    status, headers = await _ask(OURS)

    assert status == 200
    assert "set-cookie" not in headers


async def test_a_page_may_do_nothing_but_what_it_needs():
    policy = (await _ask(OURS))[1]["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self' 'sha256-x'" in policy
    for loose in ("unsafe-eval", "*", "http:", "script-src 'self' 'unsafe-inline'"):
        assert loose not in policy


async def test_an_unchanged_page_keeps_its_own_policy():
    _, headers = await _ask(OURS, answer=(304, []))

    assert "content-security-policy" not in headers


async def test_what_is_no_page_may_do_nothing():
    _, headers = await _ask(OURS, answer=(200, [(b"content-type", b"application/json")]))

    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_every_inline_script_and_no_other_is_hashed(tmp_path):
    (tmp_path / "a.html").write_text(
        '<script>one</script><script type="module" async="">two</script><script src="x"></script>'
    )
    (tmp_path / "b.html").write_text("<script>one</script>")

    wanted = {f"'sha256-{base64.b64encode(hashlib.sha256(s).digest()).decode()}'" for s in (b"one", b"two")}
    assert set(script_hashes(tmp_path)) == wanted


@pytest.mark.parametrize(
    "cookie", ["", "chat_app_3000=forged", "chat_app_3001=x", "chat_app_3000=ImxvY2FsIg.AAAA", "\x00=;"]
)
def test_a_cookie_that_is_not_ours_is_nobody(cookie):
    with pytest.raises(Unauthorized):
        IDENTITY.principal(cookie)


def test_a_cookie_is_found_beside_those_of_other_programs_on_this_machine():
    ours = IDENTITY.cookie("local")

    assert IDENTITY.principal(f'a={{"x":1}}; b; =c; {ours}; d="e f"').user_id == "local"


def test_a_cookie_of_another_key_is_nobody():
    with pytest.raises(Unauthorized):
        IDENTITY.principal(Identity("another", 3000).cookie("local"))


TOOL = {"origin": "https://tool.example"}
PREFLIGHT = TOOL | {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}


@pytest.mark.parametrize(
    ("path", "origins", "expected"),
    [
        ("/v1/models", ("https://tool.example",), 200),
        ("/v1/models", ("https://other.example",), 403),
        ("/v1/models", (), 403),
        ("/api/messages", ("https://tool.example",), 403),
        ("/", ("https://tool.example",), 403),
    ],
)
async def test_another_sites_page_may_ask_only_where_a_setting_lets_it_and_only_as_a_program(path, origins, expected):
    status, headers = await _ask(OURS | TOOL, path=path, origins=origins)
    before, allowed = await _ask(OURS | PREFLIGHT, "OPTIONS", path=path, origins=origins)

    assert (status, before) == (expected, expected)
    assert headers.get("access-control-allow-origin") == ("https://tool.example" if expected == 200 else None)
    if expected == 200:
        assert allowed["access-control-allow-headers"] == "authorization"
        assert "access-control-allow-credentials" not in allowed | headers


async def test_a_program_that_is_no_page_is_answered_as_ever_where_some_pages_may_ask():
    assert (await _ask(OURS, "POST", path="/v1/chat/completions", origins=("https://tool.example",)))[0] == 200
