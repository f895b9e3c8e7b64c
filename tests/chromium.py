"""Finds a Chromium for the browser tests, or installs one: `python tests/chromium.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a microphone that beeps once a second
    "--use-fake-ui-for-media-stream",  # which every page may use
]


# Those without a window come first: they load a page with half the work, as no window's own pages are drawn.
PLAYWRIGHTS = ("chromium_headless_shell-*/*/*headless*shell", "chromium-*/chrome-*/chrome")
SYSTEMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find() -> str | None:
    """The path of a Chromium: `CHROMIUM`, Playwright's own, or the system's."""
    if named := os.environ.get("CHROMIUM"):
        return named
    caches = [os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or "~/.cache/ms-playwright", "~/Library/Caches/ms-playwright"]
    for pattern in PLAYWRIGHTS:
        for cache in caches:
            if own := sorted(Path(cache).expanduser().glob(pattern)):
                return str(own[-1])
    return next((path for name in SYSTEMS if (path := shutil.which(name))), None)


def install() -> None:
    """Install one: Playwright's own with what it needs, or else Debian's package."""
    if subprocess.run(
        [sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"], check=False
    ).returncode:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        get = ["apt-get", "install", "-y", "-qq", "fonts-liberation", "fonts-noto-cjk"]
        if subprocess.run([*get, "chromium-headless-shell"], check=False).returncode:
            subprocess.run([*get, "chromium"], check=True)


if __name__ == "__main__":
    if find() is None:
        print("Installing Chromium …", flush=True)
        install()
    if find() is None:
        raise SystemExit("No Chromium was found, and none could be installed. Set CHROMIUM to one.")
