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


_NAMES = """
import structlog
from chat_app.logs import configure_logs

configure_logs("INFO")
structlog.get_logger().info("call", model="a\\nb\\r\\x1b[31m c=d", tokens=3)
"""


def test_a_name_that_a_program_made_up_begins_no_line_and_turns_no_colour():
    done = subprocess.run([sys.executable, "-c", _NAMES], stderr=subprocess.PIPE, timeout=30, check=True)

    assert done.stderr.endswith(b'event=call model="a\\nb  [31m c=d" tokens=3\n')
    assert done.stderr.count(b"\n") == 1
