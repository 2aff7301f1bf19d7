"""The package as a whole: what an import costs, what is public, and that the files say what they should."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import musiclab

PACKAGE = Path(musiclab.__file__).parent
PROJECT = PACKAGE.parent
HEAVY = ("torch", "matplotlib", "librosa", "scipy", "IPython", "numba", "music21", "verovio", "onnxruntime", "demucs")


def in_fresh_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("module", ["musiclab", "musiclab.audio", "musiclab.store", "musiclab.cli"])
def test_import_loads_nothing_heavy(module: str) -> None:
    loaded = in_fresh_python(f"import sys, {module}; print(*(n for n in {HEAVY!r} if n in sys.modules))")
    assert loaded == ""


def test_import_loads_few_modules() -> None:
    """What takes time when a package is imported is what it imports; a busy machine changes nothing in that."""
    code = "import sys; before = set(sys.modules); import musiclab; print(len(set(sys.modules) - before))"
    assert int(in_fresh_python(code)) < 40


@pytest.mark.skipif(sys.platform == "win32", reason="the folder is named otherwise there")
def test_what_hears_notes_reports_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime's reports begin with an identifier of the user, in the folder of caches."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)  # as this process has set it
    in_fresh_python("import musiclab; from musiclab.transcription import posteriorgram; posteriorgram.session()")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_every_public_name_can_be_had() -> None:
    assert musiclab.__all__
    for name in musiclab.__all__:
        assert getattr(musiclab, name) is not None


def test_the_stub_names_everything_that_the_front_door_has() -> None:
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    named = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert named == set(musiclab.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        musiclab.nonsense  # noqa: B018


CHANGING = {  # what is filled or moved while its maker works with it; all that is handed around is frozen
    *("history.History", "loop.Run", "pool._Process", "listening_test.Abx", "ratings.Ratings", "kinds.Start"),
    *("choice._Chosen", "symbols.Page", "symbols.Voice", "staves.Staff", "reading._Voice", "beams.Appearance"),
    *("train.TrainingSettings", "written.Song", "kits.Kit", "patterns._Style"),
}


def test_what_is_handed_around_is_frozen() -> None:
    frozen, changing = set(), set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for decorator in node.decorator_list if isinstance(node, ast.ClassDef) else ():
                said = ast.unparse(decorator)
                if said.startswith("dataclass"):
                    (frozen if "frozen=True" in said else changing).add(f"{path.stem}.{node.name}")
    assert changing == CHANGING
    assert len(frozen) > 100


@pytest.mark.skipif(not (PROJECT / "pyproject.toml").exists(), reason="only in a checkout")
class TestProject:
    def test_the_changelog_opens_with_this_version(self) -> None:
        lines = (PROJECT / "CHANGELOG.md").read_text().splitlines()
        first = next(line for line in lines if line.startswith("## ") and line != "## Unreleased")
        assert musiclab.__version__ in first

    def test_constraints_name_every_dependency_and_pin_torch_exactly(self) -> None:
        pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)$", (PROJECT / "constraints.txt").read_text(), re.M))
        assert (dependencies("dependencies") | dependencies("dev")) - set(pinned) == set()
        assert pinned["torch"] == "2.13.0"

    def test_no_file_has_grown_too_long(self) -> None:
        long = {
            path.relative_to(PROJECT).as_posix(): lines
            for path in PACKAGE.rglob("*.py")
            if (lines := len(path.read_text().splitlines())) > 350
        }
        assert long == {}

    def test_the_library_never_prints(self) -> None:
        for path in PACKAGE.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                called = node.func if isinstance(node, ast.Call) else None
                assert not (isinstance(called, ast.Name) and called.id == "print"), path

    def test_every_module_says_what_it_is(self) -> None:
        for path in PACKAGE.rglob("*.py"):
            name = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
            assert ast.get_docstring(ast.parse(path.read_text())), f"{name} has no docstring"

    def test_the_program_is_declared(self) -> None:
        project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
        module, function = project["scripts"]["musiclab"].split(":")
        assert callable(getattr(importlib.import_module(module), function))

    def test_whatever_the_package_imports_is_a_declared_dependency(self) -> None:
        from importlib.metadata import packages_distributions

        optional = {"distributed", "openvino", "pyworld", "voila"}  # extras, and the recipe of the training data
        agents = {"anyio", "mcp", "mcp_types", "pydantic"}  # another extra, with what it is made of
        known = set(sys.stdlib_module_names) | {"musiclab"} | optional
        declared = {need.replace("_", "-") for need in dependencies("dependencies")}
        suppliers = packages_distributions()
        undeclared = set()
        for path in PACKAGE.rglob("*.py"):
            extra = agents if path.is_relative_to(PACKAGE / "agent") else set()
            for top in {name.split(".")[0] for name in imports_of(path)} - known - extra:
                if not {name.lower().replace("_", "-") for name in suppliers.get(top, [top])} & declared:
                    undeclared.add(f"{path.relative_to(PROJECT)} imports {top}")
        assert undeclared == set()


def imports_of(path: Path) -> set[str]:
    """What a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def dependencies(extra: str) -> set[str]:
    """Names of the distributions that the project declares."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    needs = project["dependencies"] if extra == "dependencies" else project["optional-dependencies"][extra]
    return {found[0].lower().replace("_", "-") for need in needs if (found := re.match(r"[\w.-]+", need))}
