"""The system's own Firefox, without a window, by WebDriver BiDi (Playwright drives a build of its own only).

Loaded by `conftest.py`, which offers it as the fixture ``firefox``. https://www.w3.org/TR/webdriver-bidi/
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.processes import end

START = 90  # s that it may take to answer
LOOKS = 400  # at the page, before it is wrong
# Where no sound card is, PulseAudio's null sink takes one's place; asked for its latency, Firefox 153 waits for ever.
_NO_CARD = "() => Object.defineProperty(AudioContext.prototype, 'outputLatency', { get: () => 0 })"
_QUIET = {
    "app.update.enabled": False, "browser.shell.checkDefaultBrowser": False, "datareporting.policy.firstRunURL": "",
    "network.dns.offline-localhost": False, "toolkit.telemetry.enabled": False,
    "app.normandy.enabled": False, "browser.newtabpage.enabled": False, "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1", "network.proxy.http_port": 9,  # the discard port: nobody is there
    "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 9,
}  # fmt: skip


def firefox_path() -> str | None:
    """The browser: MUSICLAB_FIREFOX, or the system's."""
    named = os.environ.get("MUSICLAB_FIREFOX")
    return named or next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)


@contextmanager
def sound_card(folder: Path) -> Iterator[str]:
    """A sound card that nobody hears, as a browser's clock is that of the card: PulseAudio's null sink; its address."""
    socket = folder / "native"
    sink = ["-L", "module-null-sink", "-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1"]
    run = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disable-shm=yes", *sink]
    env = os.environ | {"XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}
    server = subprocess.Popen(run, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"unix:{socket}"
    finally:
        server.terminate()
        server.wait()


class Firefox:
    """A browser with one page; what goes wrong in it is in `errors`."""

    def __init__(self, folder: Path, *, sound: str = "") -> None:
        prefs = "".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in _QUIET.items())
        (folder / "user.js").write_text(prefs, encoding="utf-8")
        run = [str(firefox_path()), "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port=0"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        env = os.environ | ({"PULSE_SERVER": sound} if sound else {})
        self._process = subprocess.Popen(run, env=env, **quiet)
        self.errors: list[str] = []
        self._count = 0
        self._open = ExitStack()
        try:
            self._socket = self._connect(folder / "WebDriverBiDiServer.json")
            self.version = self.call("session.new", capabilities={})["capabilities"]["browserVersion"]
            self.call("session.subscribe", events=["log.entryAdded"])
            if sound:
                self.call("script.addPreloadScript", functionDeclaration=_NO_CARD)
            self._page = self.call("browsingContext.getTree")["contexts"][0]["context"]
        except BaseException:
            self.stop()
            raise

    def _connect(self, where: Path) -> ClientConnection:
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                told = json.loads(where.read_text("utf-8"))
                address = f"ws://{told['ws_host']}:{told['ws_port']}/session"
                return self._open.enter_context(connect(address, max_size=None))
            except (OSError, ValueError):
                time.sleep(0.1)
        raise RuntimeError("Firefox did not answer.")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a command of the protocol."""
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=START))
            if answer.get("id") == self._count:
                assert answer["type"] == "success", answer
                return dict(answer["result"])
            entry = answer.get("params", {})
            if entry.get("level") == "error":
                self.errors.append(str(entry.get("text")))

    def open(self, address: str, *, width: int = 1100, height: int = 700) -> None:
        size = {"width": width, "height": height}
        self.call("browsingContext.setViewport", context=self._page, viewport=size)
        self.call("browsingContext.navigate", context=self._page, url=address, wait="complete")

    def evaluate(self, code: str) -> Any:
        """What an expression gives: text, a number, a truth value or null."""
        answer = self.call(
            "script.evaluate", expression=code, target={"context": self._page}, awaitPromise=True, userActivation=True
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return answer["result"].get("value")

    def until(self, code: str) -> Any:
        """What an expression gives once that is true."""
        for _ in range(LOOKS):
            if value := self.evaluate(code):
                return value
            time.sleep(0.05)
        raise AssertionError(f"never true: {code}")

    def click(self, role: str, name: str) -> None:
        """Press the first control of this role and name with the mouse."""
        wanted = {"type": "accessibility", "value": {"role": role, "name": name}}
        [node, *_] = self.call("browsingContext.locateNodes", context=self._page, locator=wanted)["nodes"]
        at = {"type": "element", "element": {"sharedId": node["sharedId"]}}
        move = {"type": "pointerMove", "x": 0, "y": 0, "origin": at}
        press = [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        actions = [{"type": "pointer", "id": "mouse", "actions": press}]
        self.call("input.performActions", context=self._page, actions=actions)

    def stop(self) -> None:
        self._open.close()
        end(self._process)
