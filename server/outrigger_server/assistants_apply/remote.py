"""A server's assistants over HTTP."""

from types import TracebackType
from typing import Any, Self

import httpx

from outrigger_server.assistants_apply.wanted import WantedAssistant
from outrigger_server.errors import ConfigurationError

TIMEOUT_SECONDS = 30.0


class RemoteAssistants:
    """Reads and writes the assistants of one server."""

    def __init__(self, url: str, api_key: str | None) -> None:
        headers = {"x-api-key": api_key} if api_key else {}
        self._url = url
        try:
            self._http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ConfigurationError([f"--url: {url} cannot be used: {error}"]) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def find(self, wanted: WantedAssistant) -> dict[str, Any] | None:
        """The assistant as it is there, or None.

        Raises:
            ConfigurationError: The server cannot be reached, or does not answer as one.
        """
        answer = self._ask("GET", f"/assistants/{wanted.assistant_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return self._body(answer, wanted)

    def create(self, wanted: WantedAssistant) -> int:
        """Make the assistant; returns its version.

        Raises:
            ConfigurationError: The server refuses it, or cannot be reached.
        """
        body = {**wanted.body(), "assistant_id": wanted.assistant_id}
        if body["description"] is None:
            del body["description"]
        return self._version(self._ask("POST", "/assistants", body), wanted)

    def change(self, wanted: WantedAssistant) -> int:
        """Make the next version of the assistant; returns its number.

        Raises:
            ConfigurationError: The server refuses it, or cannot be reached.
        """
        answer = self._ask("PATCH", f"/assistants/{wanted.assistant_id}", wanted.body())
        return self._version(answer, wanted)

    def _ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        try:
            return self._http.request(method, path, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            fault = f"{self._url} cannot be reached: {str(error) or type(error).__name__}"
            raise ConfigurationError([f"--url: {fault}"]) from error

    def _version(self, answer: httpx.Response, wanted: WantedAssistant) -> int:
        return int(self._body(answer, wanted).get("version", 0))

    def _body(self, answer: httpx.Response, wanted: WantedAssistant) -> dict[str, Any]:
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            text = f"{self._url} answers {answer.status_code} and no JSON object; is it a server?"
            raise ConfigurationError([f"--url: {text}"])
        if not answer.is_success:
            detail = body.get("detail", "")
            raise ConfigurationError(
                [f"{wanted.name}: the server answers {answer.status_code}: {detail}"]
            )
        return body
