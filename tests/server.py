"""The built application as a process of its own, for tests that need the real thing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.waiting import answers, until_now

ROOT = Path(__file__).parents[1]
KEEP = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def measured() -> dict[str, str]:
    """What lets a server count its lines for the coverage, when there is one: it then starts and runs more slowly."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


class Server:
    """`python -m chat_app` on a free port; as a context it runs while its block does.

    Args:
        folder: Its data folder; the log goes beside it.
        **environment: Settings.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.log = folder / "server.log"
        kept = {name: value for name, value in os.environ.items() if name in KEEP or name.startswith(("PIP_", "UV_"))}
        self._environment = kept | {
            "PORT": str(self.port),
            "CHAT_APP_DATA": str(folder),
            "DISCOVER_SERVERS": "false",
            "MODELS_REFRESH_S": "1",
            "EMBEDDING_MODEL": "none",  # it takes a core: where meaning is looked for, a test says so
            "BREAKER_FAILURES": "1000",  # tests let one server fail again and again
            "LIMIT_REQUESTS": "0",  # and ask it more often than a person can
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, within_s: float = 120) -> Server:
        """Start it and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "chat_app"],
                cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until_now(self._answers, within_s)
        return self

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()[-3000:]
        return answers(f"{self.url}/readyz")

    def kill(self) -> None:
        """kill -9, its workers too."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, as Ctrl+C does, and wait."""
        self._signal(signal.SIGINT)

    def _signal(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)

    def workers(self) -> list[int]:
        """Process ids of the workers; one worker alone is the process itself."""
        assert self._process is not None
        if "WORKERS" not in self._environment:
            return [self._process.pid]
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in children.split() if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
