"""Runs the containers of a pod as processes, in the order and with the words of its manifest.

Volumes are folders that the containers share where the manifest says so; ports are free ones of
loopback. What only a cluster has, such as users and limits, is not here.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.request import urlopen

from harness.kubernetes import Cluster, Object, containers, mounts, port_of, ports, probes
from harness.processes import PROBES, clean_environment
from harness.sidecar import QUICK
from outrigger_loadtests.faults.cluster import Program, stopped_at_the_end
from outrigger_loadtests.faults.programs import free_port, wait_until_answers

PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Pod:
    """A pod that runs here."""

    name: str
    template: Object
    ports: Mapping[int, int]
    """The port of the manifest, and the one of this machine."""

    def url(self, probe: Object) -> str:
        """What a probe asks."""
        port = self.ports[port_of(self.template, probe["httpGet"]["port"])]
        return f"http://127.0.0.1:{port}{probe['httpGet']['path']}"

    def answers(self) -> dict[tuple[str, str, str], bool]:
        """What the kubelet would find now, by pod, container and kind of probe."""
        return {
            (self.name, name, kind): self._passes(probe)
            for name, container in containers(self.template).items()
            for kind, probe in probes(container).items()
        }

    def _passes(self, probe: Object) -> bool:
        """As the kubelet judges: who refuses, or answers late or not at all, fails."""
        try:
            with urlopen(self.url(probe), timeout=probe.get("timeoutSeconds", 1)) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False


@contextmanager
def started_pod(cluster: Cluster, name: str, folder: Path) -> Iterator[Pod]:
    """Start the containers one after the other, each when the one before passes its probe.

    They stop as in a cluster: sidecars last, each with exit code 0.
    """
    template = cluster.pods()[name]
    pod = Pod(name, template, {port: free_port() for port in ports(template).values()})
    with ExitStack() as stack:
        for own, container in containers(template).items():
            program = Program(
                _command(container),
                _environment(cluster, pod, container, folder),
                folder / f"{name}-{own}.log",
            )
            stack.enter_context(stopped_at_the_end([program]))
            first = next(iter(probes(container).values()))
            wait_until_answers(pod.url(first), program.process, program.log)
        yield pod


def run_job(cluster: Cluster, name: str, folder: Path) -> str:
    """Run the one container of a Job to its end and return what it said."""
    pod = Pod(name, cluster.pods()[name], {})
    (container,) = containers(pod.template).values()
    done = subprocess.run(
        _command(container),
        env=_environment(cluster, pod, container, folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_secrets(folder: Path, **secrets: Mapping[str, str]) -> None:
    """Write the files of the secrets, by the name of their volume."""
    for volume, files in secrets.items():
        (folder / volume).mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / volume / name).write_text(f"{text}\n")


def _command(container: Object) -> list[str]:
    program, *words = [*container["command"], *container.get("args", ())]
    return [str(PROGRAMS / program), *words]


def _environment(cluster: Cluster, pod: Pod, container: Object, folder: Path) -> dict[str, str]:
    given = dict(cluster.environment(container))
    for path, volume in mounts(pod.template, container).items():
        place = folder / volume["name"]
        place.mkdir(exist_ok=True)
        given = {name: _moved(value, path, place) for name, value in given.items()}
    for port, here in pod.ports.items():
        given = {name: value.replace(f":{port}", f":{here}") for name, value in given.items()}
        given |= {name: str(here) for name, value in given.items() if value == str(port)}
    loopback = {name: "127.0.0.1" for name, value in given.items() if value == "0.0.0.0"}
    return clean_environment(**QUICK, **(given | loopback), OUTRIGGER_CONFIG=str(PROBES))


def _moved(value: str, path: str, place: Path) -> str:
    is_there = value == path or value.startswith(f"{path}/")
    return str(place) + value.removeprefix(path) if is_there else value
