"""Does the server answer?"""

from http import HTTPStatus

import httpx

from outrigger_sidecar.health import Reading
from outrigger_sidecar.probes.base import failed, ok


class ServerProbe:
    """Asks the server's /ok."""

    name = "server"
    is_critical = True

    def __init__(self, target: str, *, timeout: float) -> None:
        self._client = httpx.Client(
            base_url=target,
            timeout=timeout,
            trust_env=False,
            follow_redirects=False,
            # The certificates of the world are 10 MB of memory that plain HTTP has no use for.
            verify=target.startswith("https://"),
        )
        self._timeout = timeout

    def close(self) -> None:
        """Close the connection to the server."""
        self._client.close()

    def check(self) -> Reading:
        """See `Probe.check`."""
        try:
            response = self._client.get("/ok")
        except httpx.TimeoutException:
            return failed(f"no answer within {self._timeout:g} s")
        except httpx.ConnectError:
            return failed("no connection: nothing listens there")
        except httpx.HTTPError:
            return failed("the connection broke")
        if response.status_code != HTTPStatus.OK:
            return failed(f"answered {response.status_code}")
        return ok("answers")
