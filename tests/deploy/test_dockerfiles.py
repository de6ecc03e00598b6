"""The Dockerfiles: what hadolint says, what the images are told alike, what a build may see."""

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.processes import ROOT
from harness.topology.compose import instructions

SERVER, SIDECAR, LOADTESTS = "server/Dockerfile", "sidecar/Dockerfile", "loadtests/Dockerfile"
ALL = (SERVER, SIDECAR, LOADTESTS)
BASE = "ARG BASE=python:3.12-slim"


def hadolint(path: Path) -> str:
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [str(program), "--no-color", str(path)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ALL)
def test_hadolint_has_nothing_to_say(name: str) -> None:
    assert hadolint(ROOT / name) == ""


def test_hadolint_would_say_it(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM python\nRUN pip install requests\n")
    assert "DL3006" in hadolint(path)


@pytest.mark.parametrize("name", ALL)
def test_an_image_is_built_in_stages_from_pins_and_runs_as_nobody_special(name: str) -> None:
    text = (ROOT / name).read_text()
    assert text.count("FROM ${BASE}") == 2
    assert BASE in text
    for line in re.findall(r"pip install (?!--no-deps --no-index)(.*)", text):
        assert line.startswith("--require-hashes -r requirements/")
    last = dict(instructions(name))
    assert last["USER"] == "10001:10001"
    assert "HEALTHCHECK" in last
    assert 'org.opencontainers.image.licenses="Apache-2.0"' in last["LABEL"]


def test_the_image_of_the_sidecar_has_only_the_sidecar() -> None:
    text = (ROOT / SIDECAR).read_text()
    assert "requirements/sidecar.txt" in text
    assert "server" not in " ".join(re.findall(r"^COPY (.*)", text, re.MULTILINE))


@pytest.mark.parametrize("name", ALL)
def test_a_build_sees_what_it_copies(name: str) -> None:
    """`.dockerignore` lets in by name; a folder that is let in is let in whole."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert all(list(ROOT.glob(each)) for each in let_in)
    copied = [
        word
        for line in re.findall(r"^COPY (?!--from)(.*)", (ROOT / name).read_text(), re.MULTILINE)
        for word in line.split()[:-1]
    ]
    assert copied
    for path in copied:
        assert (ROOT / path).exists()
        assert any(fnmatch.fnmatch(path, each) or each.startswith(f"{path}/") for each in let_in)
