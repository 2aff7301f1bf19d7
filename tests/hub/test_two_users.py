"""A real JupyterHub, two users, the school's configuration: both play the same stored song, and wait for nothing.

JupyterHub and its proxy (configurable-http-proxy, from npm) live outside of musiclab's environment: name the folders of
their programs in MUSICLAB_JUPYTERHUB, divided as PATH is. Their pupils' kernels run in this environment.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest
import websocket
from playwright.sync_api import BrowserContext, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

import musiclab as ml

PROJECT = Path(__file__).parents[2]
NEEDED = ("jupyterhub", "jupyterhub-singleuser", "configurable-http-proxy")
PROGRAMS = os.pathsep.join(filter(None, [os.environ.get("MUSICLAB_JUPYTERHUB"), os.environ["PATH"]]))
MISSING = [name for name in NEEDED if shutil.which(name, path=PROGRAMS) is None]
TOKEN = "a-token-of-the-test"
CONFIG = """
import os, sys
from jupyterhub.auth import DummyAuthenticator
from jupyterhub.spawner import SimpleLocalProcessSpawner
load_subconfig({school!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.JupyterHub.authenticator_class = DummyAuthenticator
c.DummyAuthenticator.allow_all = True
c.JupyterHub.spawner_class = SimpleLocalProcessSpawner
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.cmd = ["jupyterhub-singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.start_timeout = c.Spawner.http_timeout = 240
c.Spawner.env_keep = ["PATH", "LANG"]
c.JupyterHub.cleanup_servers = True
c.JupyterHub.services = [{{"name": "test", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [{{"name": "test", "services": ["test"],
    "scopes": ["admin:users", "admin:servers", "access:servers", "list:users"]}}]
"""
LESSON = """
import os
import musiclab as ml
from musiclab.separation import registry
def none(*a, **k): raise RuntimeError("an engine was loaded")
registry.load_engine = none
stems = ml.separate(ml.demo("paper-boats").mixture[:4], engine="centre", progress=False)
mixer = ml.Mixer(stems)
from musiclab.store import default_store
own = default_store()
print(os.environ["JUPYTERHUB_USER"], sorted(stems), own.info().kinds.get("results"), own.shared[0])
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"no JupyterHub here ({', '.join(MISSING)}): see MUSICLAB_JUPYTERHUB"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Hub:
    """The hub's and the users' servers, asked as programs ask them."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def until(self, path: str, good: Any) -> Any:
        """Ask until the answer is good; the test's own time limit ends it."""
        while True:
            try:
                told = self.ask(path)
                if good(told):
                    return told
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
            time.sleep(0.5)

    def lesson(self, user: str, code: str) -> str:
        """What `code` prints in a kernel of the user."""
        self.ask(f"/hub/api/users/{user}", "POST")
        self.ask(f"/hub/api/users/{user}/server", "POST")
        self.until(f"/hub/api/users/{user}", lambda told: told["servers"].get("", {}).get("ready"))
        kernel = self.ask(f"/user/{user}/api/kernels", "POST", {"name": "musiclab"})["id"]
        address = f"ws://127.0.0.1:{self.port}/user/{user}/api/kernels/{kernel}/channels"
        line = websocket.create_connection(address, header=[f"Authorization: token {TOKEN}"], timeout=200)
        try:
            return self._said(line, code)
        finally:
            line.close()

    def _said(self, line: Any, code: str) -> str:
        header = {"msg_id": uuid.uuid4().hex, "session": uuid.uuid4().hex, "username": "", "version": "5.3"}
        header["msg_type"] = "execute_request"
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        line.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content,
                              "channel": "shell"}))  # fmt: skip
        said = ""
        while True:
            frame = line.recv()
            if isinstance(frame, bytes):  # the mixer's sound, on its way to a page
                continue
            message = json.loads(frame)
            if message["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                said += message["content"]["text"]
            if message["msg_type"] == "error":
                raise AssertionError("\n".join(message["content"]["traceback"]))
            if message["content"].get("execution_state") == "idle":  # after all that it has said
                return said


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The school's folder: a store that the teacher has filled, and the kernel of the shared environment."""
    folder = tmp_path / "school"
    monkeypatch.setenv("MUSICLAB_CACHE", str(folder / "store"))
    ml.separate(ml.demo("paper-boats").mixture[:4], engine="centre", progress=False)
    kernel = folder / "env" / "share" / "jupyter" / "kernels" / "musiclab"
    kernel.mkdir(parents=True)
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "musiclab",
        "language": "python",
        "env": {"PYTHONPATH": str(PROJECT)},
    }
    (kernel / "kernel.json").write_text(json.dumps(spec))
    return folder


@pytest.fixture
def hub(school: Path, tmp_path: Path) -> Iterator[Hub]:
    ports = [free_port() for _ in range(3)]
    config = CONFIG.format(
        school=str(PROJECT / "deploy" / "tljh" / "musiclab.py"),
        port=ports[0], hub_port=ports[1], proxy_port=ports[2], homes=str(tmp_path / "homes"), token=TOKEN,
    )  # fmt: skip
    (tmp_path / "jupyterhub_config.py").write_text(config)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MUSICLAB_CACHE")}
    environment.update(PATH=PROGRAMS, MUSICLAB_SCHOOL=str(school))
    with (tmp_path / "hub.log").open("w") as log:
        process = subprocess.Popen(
            [str(shutil.which("jupyterhub", path=PROGRAMS)), "-f", "jupyterhub_config.py"],
            cwd=tmp_path, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            found = Hub(ports[0])
            while True:
                assert process.poll() is None, (tmp_path / "hub.log").read_text()[-3000:]
                try:
                    found.ask("/hub/api/")
                    break
                except (urllib.error.URLError, ConnectionError):
                    time.sleep(0.5)
            yield found
        finally:
            process.terminate()
            process.wait(60)


def state(folder: Path) -> dict[str, tuple[int, int]]:
    seen = {path: path.stat() for path in [folder, *folder.rglob("*")]}
    return {str(path): (one.st_mtime_ns, one.st_size) for path, one in seen.items()}


@pytest.mark.timeout(900)
def test_two_users_play_the_same_stored_song_and_wait_for_no_engine(hub: Hub, school: Path) -> None:
    before = state(school / "store")
    for user in ("ada", "bela"):
        said = hub.lesson(user, LESSON)
        assert said.split()[0] == user
        assert "['centre', 'sides'] None" in said, "from the shared store, with nothing of one's own"
        assert str(school / "store") in said
    assert state(school / "store") == before, "nobody has written to it"


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_two_users_hear_it_in_their_browsers(hub: Hub, school: Path, tmp_path: Path, browser_path: Path) -> None:
    shared = Path(sys.prefix) / "share" / "jupyter" / "labextensions"  # JUPYTER_PATH leads the pupils' JupyterLab there
    (school / "env" / "share" / "jupyter" / "labextensions").symlink_to(shared)
    spec = {"kernelspec": {"name": "musiclab", "display_name": "musiclab", "language": "python"}}
    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"{LESSON}\nmixer")], metadata=spec)
    for user in ("ada", "bela"):
        (tmp_path / "homes" / user).mkdir(parents=True, exist_ok=True)
        nbformat.write(lesson, tmp_path / "homes" / user / "lesson.ipynb")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
        for user in ("ada", "bela"):  # the first stays there
            is_heard(browser.new_context(), hub, user)
        browser.close()


def is_heard(context: BrowserContext, hub: Hub, user: str) -> None:
    """A pupil signs in, runs the lesson and plays it."""
    context.set_default_timeout(240_000)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{hub.port}/hub/login?next=%2Fuser%2F{user}%2Flab%2Ftree%2Flesson.ipynb")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill("any")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Launch Server").click()
    page.locator(".jp-NotebookPanel-toolbar [data-status=idle]").wait_for()
    mixer = page.locator(".ml-mixer")
    while not mixer.is_visible():  # what is run before the kernel answers is lost; the test's own time limit ends it
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        with suppress(PlaywrightTimeout):
            mixer.wait_for(timeout=40_000)
    mixer.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("document.querySelector('.ml-mixer').engine.position > 0.3")
