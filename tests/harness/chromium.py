"""A real Chromium without a screen, told what to do by its own debugging protocol."""

import asyncio
import base64
import json
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from outrigger_loadtests.faults.programs import end, program

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
START_SECONDS = 60.0
ANSWER_SECONDS = 30.0
LARGEST_MESSAGE = 64 * 2**20


@dataclass
class Tab:
    """One page, and everything it complained of or asked the network for."""

    connection: ClientConnection
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _number: int = 0
    _answers: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    _loaded: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, address: str, *, dark: bool = False, width: int = 1200) -> None:
        """Show an address; returns when everything in it is loaded."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.say(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.say("Emulation.setEmulatedMedia", features=[scheme])
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        await self.say("Emulation.setDeviceMetricsOverride", **size)
        self._loaded.clear()
        await self.say("Page.navigate", url=address)
        await asyncio.wait_for(self._loaded.wait(), ANSWER_SECONDS)

    async def ask(self, script: str) -> Any:
        """Return what a script comes to in the page."""
        told = await self.say("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def picture(self, selector: str) -> bytes:
        """Return what the first element of that kind looks like, as PNG."""
        script = f"JSON.stringify(document.querySelector({selector!r}).getBoundingClientRect())"
        box = json.loads(await self.ask(script))
        clip = {key: box[key] for key in ("x", "y", "width", "height")}
        told = await self.say(
            "Page.captureScreenshot", clip={**clip, "scale": 1}, captureBeyondViewport=True
        )
        return base64.b64decode(told["data"])

    async def say(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its answer."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        told = {"id": self._number, "method": method, "params": parameters}
        await self.connection.send(json.dumps(told))
        return await asyncio.wait_for(answer, ANSWER_SECONDS)

    async def listen(self) -> None:
        """Take what the browser says until it is gone."""
        async for message in self.connection:
            told = json.loads(message)
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told.get("result", told))
            else:
                self._note(told["method"], told.get("params", {}))

    def _note(self, method: str, told: dict[str, Any]) -> None:
        match method:
            case "Page.loadEventFired":
                self._loaded.set()
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                self.complaints.append(json.dumps(told)[:500])


@asynccontextmanager
async def chromium_tab() -> AsyncIterator[Tab]:
    """Start a browser with one empty tab; both end with the block."""
    with tempfile.TemporaryDirectory(
        prefix="outrigger-chromium-", ignore_cleanup_errors=True
    ) as folder:
        log = Path(folder) / "chromium.log"
        command = [program("chromium"), *FLAGS, f"--user-data-dir={folder}/data", "about:blank"]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            address = await asyncio.wait_for(_address(Path(folder) / "data"), START_SECONDS)
            async with connect(address, max_size=LARGEST_MESSAGE) as connection:
                tab = Tab(connection)
                listening = asyncio.create_task(tab.listen())
                try:
                    yield tab
                finally:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
        finally:
            process.terminate()
            await asyncio.to_thread(end, process, 15)


async def _address(data: Path) -> str:
    """Return where the tab listens, once the browser has written down its port."""
    told = data / "DevToolsActivePort"
    while not (told.exists() and told.read_text().count("\n")):
        await asyncio.sleep(0.02)
    port = told.read_text().splitlines()[0]
    async with httpx.AsyncClient() as client:
        while True:
            tabs = (await client.get(f"http://127.0.0.1:{port}/json/list")).json()
            for tab in tabs:
                if tab["type"] == "page":
                    return str(tab["webSocketDebuggerUrl"])
            await asyncio.sleep(0.02)
