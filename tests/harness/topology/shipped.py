"""The shipped files with addresses of loopback in them: all that a test changes is here."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from harness.processes import ROOT

DEPLOY = ROOT / "deploy"
RULES = ROOT / "dashboards" / "generated" / "prometheus" / "rules"
NGINX_FILES = ("nginx.conf", "nginx-api.conf", "nginx-tls.conf")


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """The text with each of these changed; fails where one is not there."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in the shipped file any more"
        text = text.replace(old, new)
    return text


def nginx_files(
    folder: Path, address: str, resolver: str, *, tls: Mapping[str, Path] | None = None
) -> Path:
    """Write nginx's files into `folder`: only where it listens and asks for names is changed."""
    folder.mkdir(parents=True)
    changes = {
        "listen 8080;": f"listen {address}:8080;",
        "listen 127.0.0.1:8081;": f"listen {address}:8081;",
        "resolver 127.0.0.11 ": f"resolver {resolver} ",
    }
    (folder / "nginx.conf").write_text(replaced((DEPLOY / "nginx.conf").read_text(), changes))
    (folder / "nginx-api.conf").write_text((DEPLOY / "nginx-api.conf").read_text())
    if tls is not None:
        secrets = {f"/run/secrets/{name}": str(path) for name, path in tls.items()}
        changes = {"listen 8443 ssl;": f"listen {address}:8443 ssl;"} | secrets
        text = replaced((DEPLOY / "nginx-tls.conf").read_text(), changes)
        (folder / "nginx-tls.conf").write_text(text)
    return folder / "nginx.conf"


def prometheus_files(folder: Path, addresses: Mapping[str, str]) -> Path:
    """Write Prometheus' file into `folder`, with addresses for names, and the rules beside it."""
    folder.mkdir(parents=True)
    changes = {f'"{name}:': f'"{address}:' for name, address in addresses.items()}
    changes |= {"scrape_interval: 15s": "scrape_interval: 2s"}  # tests wait for the first one
    changes |= {"scrape_timeout: 10s": "scrape_timeout: 2s"}
    path = folder / "prometheus.yml"
    path.write_text(replaced((DEPLOY / "prometheus.yml").read_text(), changes))
    (folder / "rules").symlink_to(RULES)
    return path


def redis_file(folder: Path, address: str) -> Path:
    """Write Redis' file: only where it listens and keeps its data is added."""
    folder.mkdir(parents=True)
    path = folder / "redis.conf"
    path.write_text(f"{(DEPLOY / 'redis.conf').read_text()}bind {address}\ndir {folder}\n")
    return path


def secret_files(folder: Path) -> dict[str, Path]:
    """Make the secrets as `make secrets` does; by name."""
    subprocess.run(["sh", str(DEPLOY / "secrets.sh"), str(folder)], check=True)
    return {path.name: path for path in folder.iterdir()}
