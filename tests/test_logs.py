"""Logs tell of trouble and make none."""

import subprocess
import sys
from pathlib import Path

import pytest

_LOG = """
import structlog
from chat_app.logs import configure_logs

configure_logs("INFO")
for _ in range(1000):
    structlog.get_logger().warning("store.full", error="no room left")
print("still here")
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
def test_a_log_on_a_full_disk_fails_nothing():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", _LOG], stdout=subprocess.PIPE, stderr=full, text=True, timeout=30)

    assert done.stdout == "still here\n"
