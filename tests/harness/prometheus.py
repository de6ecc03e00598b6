"""A real Prometheus, and a real Alertmanager whose alerts arrive at a receiver of the test's."""

import math
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import yaml

from harness.receiver import Receiver, started_receiver
from outrigger_dashboards.artifacts import ROUTES, RULES, generated
from outrigger_dashboards.config import Config, Limits
from outrigger_dashboards.metrics.catalogue import full_catalogue
from outrigger_loadtests.faults.programs import end, free_port, program, wait_until

SCRAPE_SECONDS = 1.0
TIME_SCALE = 1 / 60
"""An hour of the shipped rules is a minute."""
DEADLINE_SECONDS = 60.0
TERMINATE = 15
CONF = "prometheus.conf"
Targets: TypeAlias = Mapping[str, Sequence[str]]
"""Addresses by job."""


@dataclass(frozen=True)
class Series:
    """One series of an answer, and its value now."""

    labels: Mapping[str, str]
    value: float


@dataclass
class Prometheus:
    """A running server; what it scrapes and its rules are as it was started."""

    http: httpx.Client
    folder: Path

    def ask(self, expression: str) -> list[Series]:
        """The series of an expression, now.

        Raises:
            AssertionError: Prometheus refuses the expression.
        """
        answer = self.http.get("/api/v1/query", params={"query": expression})
        body = answer.json()
        assert body["status"] == "success", f"{expression}: {body}"
        result = body["data"]["result"]
        if body["data"]["resultType"] == "scalar":
            return [Series({}, float(result[1]))]
        return [Series(each["metric"], float(each["value"][1])) for each in result]

    def value(self, expression: str) -> float | None:
        """The greatest value of an expression now; None when there is none."""
        return max((each.value for each in self.ask(expression)), default=None)

    def number(self, expression: str) -> float:
        """The sum of an expression's series now; 0 when there is none."""
        return sum(each.value for each in self.ask(expression))

    def names(self) -> set[str]:
        """The names of all series that it has."""
        answer = self.http.get("/api/v1/label/__name__/values")
        return set(answer.json()["data"])

    def scrape(self, targets: Targets) -> None:
        """Scrape these addresses from now on."""
        conf = self.folder / CONF
        document = yaml.safe_load(conf.read_text())
        document["scrape_configs"] = _scrape_configs(targets)
        conf.write_text(yaml.safe_dump(document))
        assert self.http.post("/-/reload").status_code == 200

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        return {each.labels["alertname"] for each in self.ask('ALERTS{alertstate="firing"}')}

    def faults_of_rules(self) -> list[str]:
        """What went wrong when rules were evaluated the last time."""
        groups = self.http.get("/api/v1/rules").json()["data"]["groups"]
        return [
            f"{rule['name']}: {rule['lastError']}"
            for group in groups
            for rule in group["rules"]
            if rule.get("lastError")
        ]

    def wait_for(
        self, is_so: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS
    ) -> None:
        """Return once it is so; fail after `seconds`, with the alerts that fire."""
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, f"{what} in vain; firing: {self.firing()}"
            time.sleep(0.1)


def is_finite(series: Sequence[Series]) -> bool:
    """True when there is something, and all of it numbers."""
    return bool(series) and all(math.isfinite(each.value) for each in series)


def quick_config(**limits: float) -> Config:
    """What is shipped, sixty times as fast, with some limits otherwise."""
    return Config(
        time_scale=TIME_SCALE,
        evaluation_seconds=SCRAPE_SECONDS / TIME_SCALE,
        limits=Limits(**limits),
    )


@contextmanager
def started_prometheus(
    targets: Targets,
    *,
    config: Config | None = None,
    alertmanager: str | None = None,
    scrape_seconds: float = SCRAPE_SECONDS,
) -> Iterator[Prometheus]:
    """Scrape these addresses, by job, with the rules made for `config`, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="outrigger-prometheus-") as name:
        folder, port = Path(name), free_port()
        if config is not None:
            for path, text in generated(config, full_catalogue()).items():
                if path.startswith(RULES):
                    (folder / Path(path).name).write_text(text)
        document = _scraping(targets, scrape_seconds)
        if alertmanager is not None:
            address = alertmanager.removeprefix("http://")
            document["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]}
        (folder / CONF).write_text(yaml.safe_dump(document))
        url = f"http://127.0.0.1:{port}"
        command = [
            program("prometheus"),
            f"--config.file={folder / 'prometheus.conf'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-lifecycle",
            "--rules.alert.resend-delay=1s",
            "--log.level=warn",
        ]
        with (
            _running(command, folder / "prometheus.log", f"{url}/-/ready"),
            httpx.Client(base_url=url, timeout=30) as http,
        ):
            yield Prometheus(http, folder)


def _scraping(targets: Targets, seconds: float) -> dict[str, Any]:
    every = f"{round(seconds * 1000)}ms"
    return {
        "global": {
            "scrape_interval": every,
            "scrape_timeout": every,
            "evaluation_interval": every,
        },
        "rule_files": ["*.yml"],
        "scrape_configs": _scrape_configs(targets),
    }


def _scrape_configs(targets: Targets) -> list[dict[str, Any]]:
    return [
        {
            "job_name": job,
            "static_configs": [{"targets": [each.removeprefix("http://") for each in addresses]}],
        }
        for job, addresses in targets.items()
    ]


@dataclass
class Alertmanager:
    """A running Alertmanager, with the shipped routes."""

    url: str
    receiver: Receiver

    def told(self, alert: str, status: str) -> set[str]:
        """The receivers that were told of an alert: `firing` or `resolved`."""
        return {
            call.path.strip("/")
            for call in self.receiver.of(None)
            for each in call.json["alerts"]
            if (each["labels"]["alertname"], each["status"]) == (alert, status)
        }

    def suppressed(self) -> set[str]:
        """The alerts that others keep from being told."""
        found = httpx.get(f"{self.url}/api/v2/alerts", timeout=30).json()
        return {
            each["labels"]["alertname"] for each in found if each["status"]["state"] == "suppressed"
        }


@contextmanager
def started_alertmanager(config: Config) -> Iterator[Alertmanager]:
    """Run one with the routes made for `config`; each receiver is a path of the test's."""
    with (
        tempfile.TemporaryDirectory(prefix="outrigger-alertmanager-") as name,
        started_receiver() as receiver,
    ):
        folder, port = Path(name), free_port()
        document = yaml.safe_load(generated(config, full_catalogue())[ROUTES])
        for each in document["receivers"]:
            hook = {"url": f"{receiver.url}/{each['name']}", "send_resolved": True}
            each["webhook_configs"] = [hook]
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(document))
        url = f"http://127.0.0.1:{port}"
        command = [
            shutil.which("alertmanager") or program("prometheus-alertmanager"),
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        with _running(command, folder / "alertmanager.log", f"{url}/-/ready"):
            yield Alertmanager(url, receiver)


@contextmanager
def _running(command: list[str], log: Path, ready: str) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)

    def answers() -> bool:
        try:
            return httpx.get(ready, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_until(answers, process, log)
        yield
    finally:
        end(process, TERMINATE)
