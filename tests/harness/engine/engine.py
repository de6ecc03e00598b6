"""Docker's engine, started by the test with everything it keeps in a folder of the test."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.engine.stand_in import root_file_system
from outrigger_loadtests.faults.programs import end, program, wait_until

IMAGES = Path(__file__).with_name("images")
SECONDS = 1200
TERMINATE = 15
STAND_INS = {
    "postgres": "postgres:16-alpine",
    "redis": "redis:7.4-alpine",
    "nginx": "nginx:1.28-alpine",
    "prometheus": "prom/prometheus:v3.5.0",
    "alertmanager": "prom/alertmanager:v0.28.1",
    "grafana": "grafana/grafana:11.6.0",
}
"""Whose place each stage of the stand-ins takes."""
BASE = "python:3.12-slim"


@dataclass(frozen=True)
class Engine:
    """A running engine."""

    socket: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """With which its clients find it."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "COMPOSE_"))}
        return kept | {"DOCKER_HOST": f"unix://{self.socket}"}

    def docker(self, *words: str, stdin: Path | None = None) -> str:
        """What a command says; fails with all of it."""
        return self.run([docker(), *words], stdin=stdin)

    def compose(self, folder: Path, variables: Mapping[str, str], *words: str) -> str:
        """What compose says in a folder."""
        command = [program("docker-compose"), "--project-name", "outrigger-test", *words]
        return self.run(command, cwd=folder, variables=variables)

    def run(
        self,
        command: list[str],
        *,
        cwd: Path | None = None,
        variables: Mapping[str, str] | None = None,
        stdin: Path | None = None,
    ) -> str:
        """Run a client of the engine."""
        with (stdin or Path(os.devnull)).open("rb") as given:
            done = subprocess.run(
                command,
                cwd=cwd,
                env=self.environment | dict(variables or {}),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=SECONDS,
            )
        said = done.stdout.decode(errors="replace")
        assert done.returncode == 0, f"{' '.join(command)}:\n{said[-6000:]}"
        return said


def docker() -> str:
    """Debian's client, which is of the same version as its engine."""
    return "/usr/bin/docker"


@contextmanager
def started_engine(folder: Path) -> Iterator[Engine]:
    """Start an engine that has the stand-ins; all of it goes with the block."""
    socket, log = folder / "docker.sock", folder / "dockerd.log"
    command = [
        program("dockerd"),
        f"--host=unix://{socket}",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'docker.pid'}",
        "--bridge=none",  # images are built in the machine's own network
        "--default-address-pool=base=10.213.0.0/16,size=24",
        "--exec-opt=native.cgroupdriver=cgroupfs",
    ]
    engine = Engine(socket, folder)
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_until(lambda: _answers(engine), process, log)
        _make_stand_ins(engine)
        yield engine
    finally:
        end(process, TERMINATE)
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove what the engine kept: gigabytes, and a mount that it leaves behind."""
    for left in (folder / "exec" / "netns").glob("*"):
        subprocess.run([program("umount"), str(left)], check=False)
    shutil.rmtree(folder)


def _answers(engine: Engine) -> bool:
    asked = [docker(), "version", "--format", "{{.Server.Version}}"]
    done = subprocess.run(asked, env=engine.environment, capture_output=True, check=False)
    return done.returncode == 0


def _make_stand_ins(engine: Engine) -> None:
    root = root_file_system(engine.folder)
    archive = engine.folder / "root.tar"
    subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
    engine.docker("import", str(archive), "stand-in")
    archive.unlink()
    shutil.rmtree(root)
    engine.docker("tag", "stand-in", BASE)
    for stage, tag in STAND_INS.items():
        engine.docker("build", "--target", stage, "--tag", tag, str(IMAGES))
