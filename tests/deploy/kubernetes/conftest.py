"""What the overlays come to; each is made once."""

import pytest

from harness.kubernetes import OVERLAYS, Cluster, rendered


@pytest.fixture(scope="session")
def clusters() -> dict[str, Cluster]:
    return {overlay: rendered(overlay) for overlay in OVERLAYS}


@pytest.fixture(params=OVERLAYS)
def cluster(request: pytest.FixtureRequest, clusters: dict[str, Cluster]) -> Cluster:
    return clusters[request.param]


@pytest.fixture
def production(clusters: dict[str, Cluster]) -> Cluster:
    return clusters["prod"]
