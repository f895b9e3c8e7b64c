"""A Redis of a test's own, to break."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

from redis import Redis

from tests.server import free_port
from tests.waiting import until_now

BINARY = shutil.which("redis-server")


class OwnRedis:
    """`redis-server` on a free port; writes nothing down of itself, so a restart forgets everything.

    Args:
        folder: Where it may work.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> OwnRedis:
        """Start it and wait until it listens."""
        assert BINARY is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen([BINARY, *options], stdout=subprocess.DEVNULL)
        until_now(self._listens)
        return self

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "it has ended: its port may be taken"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def stop(self, *, remembers: bool = False) -> None:
        """kill -9; or, where its next start is to know what it knew, an orderly end."""
        assert self._process is not None
        if remembers:
            with Redis.from_url(self.url) as client:
                client.shutdown(save=True)
        else:
            self._process.kill()
        self._process.wait(30)

    def restart(self, away_s: float = 0.0) -> None:
        """Die, stay away, and come back empty."""
        self.stop()
        time.sleep(away_s)  # how long the fault lasts
        self.start()
