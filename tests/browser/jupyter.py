"""A JupyterLab of its own for tests: a free loopback port, private folders, gone when the tests are.

Loaded by `conftest.py`, which offers it as fixtures.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, Page, expect

import musiclab
from tests.processes import end

PACKAGE = Path(musiclab.__file__).parent
START = 300  # s that the server may take, on a machine that has much else to do
LOOKS = 200  # at what Python says, before it is wrong
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # else cells out of sight have no output
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


class Lab:
    """A running JupyterLab server."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.files = folder / "files"
        self.files.mkdir(parents=True)
        for name, values in SETTINGS.items():
            path = folder / "settings" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        private = {
            "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
            "IPYTHONDIR": "ipython", "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }  # fmt: skip
        extensions = folder / "config" / "jupyter_server_config.d"  # where a wheel would put it
        extensions.mkdir(parents=True)
        shutil.copy(PACKAGE / "jupyter_server.json", extensions / "musiclab.json")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._log = (folder / "jupyter.log").open("w+")
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1",
                "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.password=",
                "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True",
                "--ServerApp.disable_check_xsrf=True",
                f"--ServerApp.root_dir={self.files}",
            ],
            env={**os.environ, **{key: str(folder / name) for key, name in private.items()}, **environment},
            stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"JupyterLab ended at once:\n{self.log()}")
            try:
                with urllib.request.urlopen(f"{self.url}/api/status", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not answer within {START} s:\n{self.log()}")

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def stop(self) -> None:
        end(self._process)
        self._log.close()


class OpenNotebook:
    """A notebook in JupyterLab, with its kernel up."""

    def __init__(self, page: Page, lab: Lab, name: str, *, front: str = "lab/tree") -> None:
        self.page = page
        page.goto(f"{lab.url}/{front}/{name}?reset", timeout=180_000)
        page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context?.isReady", timeout=180_000)
        # Run All before the kernel answers would lose its widgets
        page.evaluate(
            """async () => {
              const { sessionContext } = jupyterapp.shell.currentWidget;
              await sessionContext.ready;
              await sessionContext.session.kernel.info;
            }"""
        )
        expect(page.locator(".jp-NotebookPanel-toolbar [data-status=idle]")).to_be_visible(timeout=180_000)

    def run_all(self, *, timeout_s: float = 120) -> None:
        """Run every cell; fails if one raises."""
        self.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(
            """() => {
              const cells = jupyterapp.shell.currentWidget.content.widgets.filter((c) => c.model.type === "code");
              const failed = cells.some((c) => c.model.outputs.toJSON().some((o) => o.output_type === "error"));
              return failed || cells.every((c) => !c.model.sharedModel.source || c.model.executionCount !== null);
            }""",
            timeout=1000 * timeout_s,
        )
        errors = self.page.evaluate(
            """() => jupyterapp.shell.currentWidget.content.widgets.filter((c) => c.model.type === "code")
              .flatMap((c) => c.model.outputs.toJSON()).filter((o) => o.output_type === "error")
              .map((o) => o.ename + ": " + o.evalue)"""
        )
        assert not errors, errors

    def python(self, code: str) -> str:
        """What `code` prints, run in the notebook's kernel."""
        printed: str = self.page.evaluate(
            """async (code) => {
              const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
              const future = kernel.requestExecute({ code, store_history: false });
              let text = "";
              future.onIOPub = ({ header, content }) => {
                if (header.msg_type === "stream") text += content.text;
                if (header.msg_type === "error") text += `${content.ename}: ${content.evalue}`;
              };
              await future.done;
              return text;
            }""",
            code,
        )
        return printed.strip()

    def told(self, code: str, wanted: str) -> None:
        """Wait until `code` prints this: what is done in the page comes to Python by another way than code does."""
        for _ in range(LOOKS):
            found = self.python(code)
            if found == wanted:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{code} prints {found!r}, not {wanted!r}")

    def theme(self, name: str) -> None:
        """Switch to ``JupyterLab Dark`` or ``JupyterLab Light``."""
        self.page.evaluate("(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
        wanted = "false" if "Dark" in name else "true"
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", wanted)

    def output(self, selector: str) -> Locator:
        """Elements in the outputs of the notebook."""
        return self.page.locator(f".jp-OutputArea-output {selector}")


def copy_notebook(lab: Lab, path: Path, name: str | None = None) -> str:
    """Put a notebook into the server's folder; its name there."""
    name = name or path.name
    shutil.copy(path, lab.files / name)
    return name


def write_notebook(lab: Lab, name: str, cells: list[str]) -> str:
    """A notebook with these code cells, in the server's folder. A kernel is named in it, or a dialog would ask."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, lab.files / name)
    return name
