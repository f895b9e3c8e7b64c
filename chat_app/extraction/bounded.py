"""What a stranger's expression or form says of a stranger's text, asked of a process that has bounds.

An expression can take years to match, and some to compile; a schema whose parts refer to each other can, too, and its
library lets nothing else run meanwhile. Either ends its process, and nobody's answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["regex", "json_schema"]
_TIME_S, _MEMORY_BYTES = 2, 1_000_000_000  # of the processor
_PATIENCE_S, _AGAIN_S = 60, 1  # with a machine that has no time or no process for it
_MET, _NOT, _NONE = 0, 3, 4
_WORK = """
import json, re, resource, sys
seconds, memory = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
kind, rule, text = json.load(sys.stdin)

def nowhere(address):
    raise ValueError(address)

def strict(word):
    raise ValueError(word)

def read(text):
    fenced = re.search(r"```\\w*\\r?\\n(.*?)\\r?\\n?```", text, re.DOTALL)
    for each in (text, fenced[1] if fenced else ""):
        try:
            return json.loads(each, parse_constant=strict)
        except (ValueError, RecursionError):
            pass
    sys.exit(3)

if kind == "regex":
    try:
        pattern = re.compile(rule)
    except (re.error, RecursionError, OverflowError) as error:
        print(str(error)[:100])
        sys.exit(4)
    sys.exit(0 if pattern.search(text) else 3)
from jsonschema_rs import Draft202012Validator
try:
    met = Draft202012Validator(json.loads(rule), retriever=nowhere).is_valid(read(text))
except ValueError as error:
    print(str(error)[:100])
    sys.exit(4)
sys.exit(0 if met else 3)
"""


class Unreadable(Exception):  # said to a person by whoever asks
    """It is no expression, or no form."""


class Bounded:
    """Asks, so many at once.

    Args:
        at_once: Most processes at the same time.
    """

    def __init__(self, at_once: int = 2) -> None:
        self._turns = asyncio.Semaphore(at_once)

    async def is_met(self, kind: Kind, rule: str, text: str) -> bool:
        """Whether a text matches an expression, as Python's `re` has them, or is JSON of a form, also within a fence.

        Raises:
            TimeoutError: It took too much time or memory, or no process can be had for a minute.
            Unreadable: The rule is none.
        """
        asked = json.dumps([kind, rule, text]).encode()
        arguments = [sys.executable, "-I", "-c", _WORK, str(_TIME_S), str(_MEMORY_BYTES)]
        async with self._turns:
            async with asyncio.timeout(_PATIENCE_S):
                process = await _begun(arguments)
            try:
                async with asyncio.timeout(_PATIENCE_S):  # it ends itself after so much of the processor's time
                    said, _ = await process.communicate(asked)
            finally:
                if process.returncode is None:
                    with suppress(ProcessLookupError):  # it has ended at this moment
                        process.kill()
                    await process.wait()
        if process.returncode == _NONE:
            raise Unreadable(said.decode(errors="replace").strip())
        if process.returncode not in (_MET, _NOT):  # its bounds have ended it
            raise TimeoutError
        return process.returncode == _MET


async def _begun(arguments: list[str]) -> asyncio.subprocess.Process:
    """A process, as soon as the machine has one: what it lacks now says nothing of the rule."""
    while True:
        try:
            return await asyncio.create_subprocess_exec(
                *arguments, env={"PATH": os.defpath}, stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        except OSError:
            await asyncio.sleep(_AGAIN_S)
