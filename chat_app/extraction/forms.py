"""Whether a text is JSON of a form: asked of a process of its own, as both are strangers' and may never end.

A schema whose parts refer to each other takes time without bound, and its library lets nothing else run meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from contextlib import suppress

_TIME_S, _MEMORY_BYTES = 5, 1_000_000_000
_TURNS = asyncio.Semaphore(2)
_FENCE = re.compile(r".*?```\w*\r?\n(.*?)\r?\n?```.*", re.DOTALL)
_FITS, _FITS_NOT = 0, 3
_WORK = """
import json, resource, sys
seconds, memory = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
from jsonschema_rs import Draft202012Validator
def nowhere(address):
    raise ValueError(address)
schema, value = json.load(sys.stdin)
sys.exit(0 if Draft202012Validator(schema, retriever=nowhere).is_valid(value) else 3)
"""


async def fits(schema: str, text: str) -> bool:
    """Whether a text is JSON of a form; there may be a fence of Markdown around it.

    Args:
        schema: The JSON schema.
        text: What a model said.

    Raises:
        TimeoutError: It took too long.
    """
    value = _json_in(text)
    if value is None:
        return False
    arguments = [sys.executable, "-I", "-c", _WORK, str(_TIME_S), str(_MEMORY_BYTES)]
    async with _TURNS:
        process = await asyncio.create_subprocess_exec(
            *arguments, env={"PATH": os.defpath}, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(2 * _TIME_S):
                await process.communicate(f"[{schema}, {value}]".encode())
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):  # it has ended at this moment
                    process.kill()
                await process.wait()
    if process.returncode not in (_FITS, _FITS_NOT):  # its bounds have ended it
        raise TimeoutError
    return process.returncode == _FITS


def _json_in(text: str) -> str | None:
    """The JSON of an answer, or of the first fence in it."""
    fenced = _FENCE.fullmatch(text)
    for each in (text, fenced[1] if fenced else ""):
        with suppress(ValueError, RecursionError):
            json.loads(each)
            return each
    return None
