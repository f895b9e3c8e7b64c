"""The island modules that need no browser, run by node."""

import json
import os
import subprocess
import sys
from pathlib import Path

ISLANDS = Path(__file__).parents[2] / "chat_app" / "ui" / "islands"
NODE = Path(sys.executable).with_name("node")


def command(module: str, script: str) -> list[str]:
    """How to run a script that finds the module's address in `process.argv[1]`."""
    return [str(NODE), "--no-warnings", "--input-type=module", "-e", script, (ISLANDS / module).as_uri()]


def results(module: str, function: str, *arguments: list, zone: str = "UTC") -> list:
    """What a function of a module gives back for each list of arguments; undefined comes as None."""
    script = f"""
const {{ {function} }} = await import(process.argv[1]);
console.log(JSON.stringify(JSON.parse(process.argv[2]).map((given) => {function}(...given) ?? null)));
"""
    given = [*command(module, script), json.dumps(arguments)]
    return json.loads(subprocess.check_output(given, env=os.environ | {"TZ": zone}, text=True))
