"""Runs promtool and amtool, which know the language of rules and routes as the servers do."""

import subprocess
from pathlib import Path

import yaml

from outrigger_loadtests.faults.programs import program

SECONDS = 300


def promtool(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return _run("promtool", *arguments, cwd=cwd)


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return _run("amtool", *arguments)


def _run(name: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program(name), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def checked_expressions(folder: Path, texts: dict[str, str]) -> str:
    """What promtool says against expressions, each made a recording rule; empty when all is well.

    The keys are names that may stand in the name of a series.
    """
    rules = [{"record": f"checked:{name}", "expr": text} for name, text in texts.items()]
    path = folder / "expressions.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "checked", "rules": rules}]}))
    done = promtool("check", "rules", str(path))
    return "" if done.returncode == 0 else done.stdout + done.stderr
