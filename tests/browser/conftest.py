"""Chromium for tests: a page that fails the test on any error, and widgets mounted without Jupyter."""

from __future__ import annotations

import base64
import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anywidget
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parents[1] / "notebooks"


def beside(name: str) -> Any:
    """A module of this folder: tests are no package, and import nothing from each other."""
    spec = importlib.util.spec_from_file_location(f"musiclab_tests_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


jupyter, kernel, look, mozilla = (beside(name) for name in ("jupyter", "kernel", "looks", "firefox"))

LITE = "@jupyterlite/"  # front-ends of `make lite`: they belong into its site, and say in JupyterLab that they fail
PATIENCE = 60_000  # ms: others may use this machine too
# anywidget gives a widget up that has not begun after two seconds: a page on a busy machine may need longer
LATE = f"AbortSignal.timeout = ((of) => (ms) => of.call(AbortSignal, Math.max(ms, {PATIENCE})))(AbortSignal.timeout)"
expect.set_options(timeout=PATIENCE / 3)
ORIGIN = "http://localhost/"  # served by the test itself; a secure context, as AudioWorklet asks for
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
    "--font-render-hinting=none",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser(browser_path: Path) -> Iterator[Browser]:
    """Chromium. Where there is none its tests are skipped, unless MUSICLAB_REQUIRE_BROWSER is set, as in CI."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The system's Firefox, with a sound card that nobody hears: see ``firefox.py``."""
    if mozilla.firefox_path() is None:
        pytest.skip("no Firefox here: install it, or name one in MUSICLAB_FIREFOX")
    if shutil.which("pulseaudio") is None:
        pytest.skip("Firefox plays on a sound card only: install pulseaudio for one that nobody hears")
    folder = tmp_path_factory.mktemp("firefox")
    with mozilla.sound_card(folder) as address:
        browser = mozilla.Firefox(tmp_path_factory.mktemp("profile"), sound=address)
        yield browser
        browser.stop()
    assert not browser.errors, browser.errors


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts whose pages fail the test on any uncaught error or console error."""
    errors: list[str] = []
    contexts: list[BrowserContext] = []

    def told(message: ConsoleMessage) -> None:
        if message.type == "error" and LITE not in message.text:
            errors.append(f"console: {message.text}")

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: errors.append(f"pageerror: {error}"))
        page.on("console", told)

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**({"viewport": {"width": 1100, "height": 700}} | options))
        context.set_default_timeout(PATIENCE)
        context.add_init_script(LATE)
        context.on("page", watch)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert not errors, "\n".join(errors)


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    return new_context().new_page()


def plain(value: Any) -> Any:
    """A widget's state as JSON: bytes as base64."""
    if isinstance(value, (bytes, memoryview)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def state_of(widget: anywidget.AnyWidget) -> dict[str, Any]:
    """What Python would send to the page, less what the harness brings itself."""
    state = widget.get_state()
    return {
        name: plain(value)
        for name, value in state.items()
        if name not in ("_esm", "_css", "layout", "tabbable", "tooltip")
    }


def show(page: Page, widget: anywidget.AnyWidget, *, views: int = 1, css: str = "", body: str = "") -> None:
    """Show a widget in a bare page, `views` times; the page's ``harness`` has its model, engine and clean-ups."""
    html = f"<!doctype html><meta charset=utf-8><title>-</title><style>body{{margin:12px}}{css}</style><body>{body}"
    page.route("**/*", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(ORIGIN)
    page.add_script_tag(content=(HERE / "harness.js").read_text("utf-8"))
    page.evaluate(
        "([source, css, state, views]) => harness.start(source, css, state, views)",
        [str(widget._esm), str(widget._css), state_of(widget), views],
    )


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A page that may report errors: the extensions of others, made for JupyterLab, do so in these front-ends."""
    context = browser.new_context(viewport={"width": 1100, "height": 700})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    ours: list[str] = []
    page.on("pageerror", lambda error: ours.append(f"{error}\n{error.stack}"))
    yield page
    context.close()
    assert [error for error in ours if "blob:" in error] == []  # where anywidget loads a widget's module from


@pytest.fixture
def mount() -> Callable[..., None]:
    """``mount(page, widget, views=1)``: see `show`."""
    return show


@pytest.fixture
def to_json() -> Callable[[Any], Any]:
    """Values for ``harness.model.receive``: see `plain`."""
    return plain


@pytest.fixture
def behind(page: Page) -> Callable[..., Any]:
    """``behind(widget)``: the widget in `page` with its Python object behind it; see `kernel.Behind`."""
    return lambda widget: kernel.Behind(page, widget, show, plain)


@pytest.fixture
def looks() -> Any:
    """Checks of what a widget looks like: see ``looks.py``."""
    return look


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One JupyterLab for all tests of a worker."""
    folder = tmp_path_factory.mktemp("lab")
    lab = jupyter.Lab(folder, {"MUSICLAB_CACHE": str(folder / "cache"), "PYTHONWARNINGS": "default"})
    yield lab
    lab.stop()


@pytest.fixture
def jupyter_files() -> Any:
    """What puts notebooks into ``lab.files``: see ``jupyter.py``."""
    return jupyter


@pytest.fixture
def open_notebook(lab: Any, new_context: Callable[..., BrowserContext]) -> Callable[..., Any]:
    """``open_notebook("01-hear-each-instrument.ipynb")``, with ``cells=[...]`` a new one of that name,
    with ``there=True`` one that the test has put into ``lab.files``.

    Gives a notebook in JupyterLab with its kernel up: ``run_all()``, ``python(code)``, ``theme(name)``, ``page``.
    """

    def open(name: str, *, cells: list[str] | None = None, there: bool = False, **options: Any) -> Any:
        if there:
            assert (lab.files / name).is_file()
        elif cells is None:
            jupyter.copy_notebook(lab, NOTEBOOKS / name)
        else:
            jupyter.write_notebook(lab, name, cells)
        page = new_context(**({"viewport": {"width": 1360, "height": 900}} | options)).new_page()
        return jupyter.OpenNotebook(page, lab, name)

    return open
