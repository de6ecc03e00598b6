"""What `kubectl kustomize` makes of the folders we ship, and where things stand in it."""

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.processes import ROOT
from outrigger_loadtests.faults.programs import program

Object = dict[str, Any]

KUBERNETES = ROOT / "deploy" / "kubernetes"
EXAMPLES = KUBERNETES / "examples"
OVERLAYS = tuple(sorted(path.name for path in (KUBERNETES / "overlays").iterdir()))
LABEL = "app.kubernetes.io/"


@dataclass(frozen=True)
class Cluster:
    """The objects of one overlay."""

    objects: tuple[Object, ...]

    def of(self, *kinds: str) -> dict[str, Object]:
        """The objects of these kinds, by name."""
        return {each["metadata"]["name"]: each for each in self.objects if each["kind"] in kinds}

    def pods(self) -> dict[str, Object]:
        """What the pods of every Deployment and Job are made from, by its name."""
        made = self.of("Deployment", "Job")
        return {name: each["spec"]["template"] for name, each in made.items()}

    def our_pods(self) -> dict[str, Object]:
        """Those in which our own programs run."""
        return {
            name: pod
            for name, pod in self.pods().items()
            if pod["metadata"]["labels"][f"{LABEL}part-of"] == "outrigger"
        }

    def environment(self, container: Object) -> dict[str, str]:
        """The variables of a container, but for those of secrets that need not be there."""
        maps = self.of("ConfigMap")
        given: dict[str, str] = {}
        for source in container.get("envFrom", ()):
            if "configMapRef" in source:
                given |= maps[source["configMapRef"]["name"]]["data"]
            else:
                assert source["secretRef"]["optional"]
        return given | {each["name"]: each["value"] for each in container.get("env", ())}


def rendered(overlay: str) -> Cluster:
    """Run `kubectl kustomize` on an overlay."""
    return Cluster(tuple(read_objects(_kustomized(KUBERNETES / "overlays" / overlay))))


def read_objects(text: str) -> list[Object]:
    """The objects of a file with several of them."""
    return [each for each in yaml.safe_load_all(text) if each]


def containers(pod: Object) -> dict[str, Object]:
    """The containers of a pod in the order of their start, sidecars first."""
    spec = pod["spec"]
    return {each["name"]: each for each in [*spec.get("initContainers", ()), *spec["containers"]]}


def ports(pod: Object) -> dict[str, int]:
    """The named ports of a pod."""
    return {
        port["name"]: port["containerPort"]
        for container in containers(pod).values()
        for port in container.get("ports", ())
    }


def port_of(pod: Object, port: str | int) -> int:
    """The number of a port that may be given by its name."""
    return ports(pod)[port] if isinstance(port, str) else port


def probes(container: Object) -> dict[str, Object]:
    """The probes of a container by kind: startup, liveness, readiness."""
    return {
        kind: container[f"{kind}Probe"]
        for kind in ("startup", "liveness", "readiness")
        if f"{kind}Probe" in container
    }


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector, with matchLabels or matchExpressions, fits."""
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    expressions: Iterable[Object] = selector.get("matchExpressions", ())
    return wanted and all(
        each["operator"] == "In" and labels.get(each["key"]) in each["values"]
        for each in expressions
    )


def mounts(pod: Object, container: Object) -> dict[str, Object]:
    """The volumes that a container sees, by the folder where it sees them."""
    volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
    return {each["mountPath"]: volumes[each["name"]] for each in container["volumeMounts"]}


def _kustomized(folder: Path) -> str:
    done = subprocess.run(
        [program("kubectl"), "kustomize", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
