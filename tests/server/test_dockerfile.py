"""`outrigger dockerfile`: what of a langgraph.json comes into an image, and what must not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.processes import ROOT
from outrigger_server.dockerfile import dockerfile, read_image_spec
from outrigger_server.errors import ConfigurationError

OUTRIGGER = "langgraph-outrigger[server]==1.2.3"


def write(folder: Path, **content: Any) -> Path:
    path = folder / "langgraph.json"
    path.write_text(json.dumps({"graphs": {"agent": "./agent.py:graph"}, **content}))
    return path


def text_of(folder: Path, **content: Any) -> str:
    return dockerfile(read_image_spec(write(folder, **content)), OUTRIGGER)


def faults_of(folder: Path, **content: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        text_of(folder, **content)
    return list(error.value.faults)


def hadolint(path: Path) -> str:
    command = [str(Path(sys.executable).with_name("hadolint")), "--no-color", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def full(folder: Path) -> dict[str, Any]:
    """One with every key, and what it names."""
    (folder / "libs" / "tools").mkdir(parents=True)
    (folder / "libs" / "tools" / "pyproject.toml").touch()
    (folder / "requirements.txt").touch()
    (folder / "pip.conf").touch()
    (folder / ".env").write_text("API_TOKEN=hunter2\n# a comment\nMODEL=large\n")
    return {
        "dependencies": [".", "./libs/tools", "langchain-openai>=0.2", "numpy"],
        "env": ".env",
        "python_version": "3.13",
        "pip_config_file": "./pip.conf",
        "dockerfile_lines": ["RUN apt-get --version", "ENV COLOUR=blue"],
        "base_image": "example/base",
    }


def test_every_key_has_its_place(tmp_path: Path) -> None:
    text = text_of(tmp_path, **full(tmp_path))
    assert "ARG BASE=python:3.13-slim" in text
    assert f'ARG OUTRIGGER="{OUTRIGGER}"' in text
    assert "FROM ${BASE} AS base\nRUN apt-get --version\nENV COLOUR=blue\n" in text
    mount = "--mount=type=bind,source=pip.conf,target=/etc/pip.conf"
    assert text.count(f"RUN {mount} pip install") == 2
    packages = "pip install 'langchain-openai>=0.2' numpy"
    assert f"{packages} \\\n    && pip install -r requirements.txt" in text
    assert "&& pip install --editable ./libs/tools" in text
    assert "# Not applied here: base_image" in text
    assert text.index("FROM base AS build") < text.index("COPY . /app") < text.index("FROM base\n")


def test_names_of_variables_are_told_and_their_values_are_not(tmp_path: Path) -> None:
    text = text_of(tmp_path, **full(tmp_path))
    assert "# Not in the image, to be given at run time: API_TOKEN, MODEL\n" in text
    assert "hunter2" not in text
    assert "rm -f .env pip.conf" in text
    inline = text_of(tmp_path, env={"B_KEY": "hunter2", "A_KEY": "${A_KEY}"})
    assert "at run time: A_KEY, B_KEY\n" in inline
    assert "hunter2" not in inline


def test_the_step_of_the_build_takes_the_values_out_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, env={"A_KEY": "hunter2"})
    text = dockerfile(read_image_spec(path), OUTRIGGER)
    (step,) = [line for line in text.splitlines() if line.startswith("RUN python -c")]
    command = step.removeprefix("RUN ").replace("python", sys.executable, 1)
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert json.loads(path.read_text()) == {"graphs": {"agent": "./agent.py:graph"}}


def test_hadolint_has_nothing_to_say(tmp_path: Path) -> None:
    for content in ({}, full(tmp_path)):
        path = tmp_path / "Dockerfile"
        path.write_text(text_of(tmp_path, **content))
        assert hadolint(path) == ""


def test_it_ends_as_the_servers_own_image(tmp_path: Path) -> None:
    """User, environment, health check and command are the same."""
    ours = (ROOT / "server" / "Dockerfile").read_text()
    last = ours[ours.rindex("FROM ${BASE}") :].replace("\\\n", "")
    text = text_of(tmp_path).replace("\\\n", "")
    for word in ("USER", "ENV", "HEALTHCHECK", "EXPOSE", "CMD"):
        lines = [line.split() for line in last.splitlines() if line.startswith(word)]
        assert lines
        assert all(line in [each.split() for each in text.splitlines()] for line in lines)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        python_version="3.10",
        pip_config_file="../pip.conf",
        dockerfile_lines="RUN true",
        dependencies=["./missing", "../outside"],
        env={"NOT A NAME": "x"},
    )
    for key in ("python_version", "pip_config_file", "dockerfile_lines", "env"):
        assert any(f": {key}: " in fault for fault in faults)
    assert sum(": dependencies: " in fault for fault in faults) == 2


def test_a_file_that_is_no_json_object_is_told(tmp_path: Path) -> None:
    path = tmp_path / "langgraph.json"
    for text in ("[]", "{", None):
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)
        with pytest.raises(ConfigurationError):
            read_image_spec(path)


def test_the_command_writes_it_to_stdout_or_into_a_file(tmp_path: Path) -> None:
    path = write(tmp_path)
    command = [sys.executable, "-m", "outrigger_server", "dockerfile", "--config", str(path)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("# Written by `outrigger dockerfile`")
    assert ".dockerignore" in shown.stderr
    (tmp_path / ".dockerignore").touch()
    file = tmp_path / "Dockerfile"
    silent = subprocess.run([*command, "-o", str(file)], capture_output=True, text=True, check=True)
    assert (silent.stdout, silent.stderr) == ("", "")
    assert file.read_text() == shown.stdout
