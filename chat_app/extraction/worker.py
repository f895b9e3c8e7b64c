"""`python -m chat_app.extraction.worker TASK SOURCE TARGET SECONDS BYTES …`: looks into one file, and says what it is.

What it found, or why it will not take the file, is a line of JSON on the standard output.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import resource
import sys
from pathlib import Path

from chat_app.extraction.refused import Refused

TASKS = {
    "picture": ("pictures", "prepare"),
    "sound": ("sound", "prepare"),
    "html": ("html", "prepare"),
    "pdf": ("pdf", "prepare"),
    "scans": ("pdf", "draw"),
    "word": ("office", "prepare_word"),
    "slides": ("office", "prepare_slides"),
    "sheets": ("office", "prepare_sheets"),
}
"""Each is a module beside this one with its function, loaded only where it is needed."""
_MOST_FILE = 100_000_000
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
UNSTORED = "unstored"
"""What is said where it is the disk that fails, and not the file."""
_NICENESS = 10  # answers that stream go first


def bound(seconds: int, memory_bytes: int) -> None:
    """Hold this process to its bounds; whatever it takes beyond them ends it."""
    os.nice(_NICENESS)
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, _MOST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def main(task: str, source: str, target: str, seconds: str, memory_bytes: str, *options: str) -> dict[str, object]:
    """Do it, and say what came of it."""
    bound(int(seconds), int(memory_bytes))
    try:
        module, name = TASKS[task]
        work = getattr(importlib.import_module(f"chat_app.extraction.{module}"), name)
        found = work(Path(source), Path(target), *map(int, options))
    except Refused as refused:
        return {"refused": refused.reason, "values": refused.values}
    except MemoryError:
        return {"refused": "heavy"}
    except OSError as error:
        if error.errno in NO_ROOM:
            return {"refused": UNSTORED}
        raise
    return {"facts": found}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
