"""The how-to page of the docs: what it says to type exists, with these options."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from pathlib import Path

import pytest
import typer

import musiclab
from musiclab.cli import app

PAGE = (Path(__file__).parents[2] / "docs/pages/how-to.md").read_text("utf-8")
PYTHON = re.findall(r"^```py\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL)
TYPED = [
    line for block in re.findall(r"^```sh\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
COMMANDS = [line for line in TYPED if line.startswith("musiclab ")]


@pytest.mark.parametrize("source", PYTHON)
def test_calls_take_what_they_are_given(source: str) -> None:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    ours = [call for call in calls if re.fullmatch(r"ml\.\w+", ast.unparse(call.func))]
    for call in ours:
        function = getattr(musiclab, ast.unparse(call.func).removeprefix("ml."))
        named = {str(word.arg): None for word in call.keywords}
        inspect.signature(function).bind(*call.args, **named)
    assert ours or "stems." in source


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_take_what_they_are_given(line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    group = typer.main.get_command(app)
    command = group.commands[name]  # type: ignore[attr-defined]
    context = command.context_class(command, info_name=name)
    command.make_parser(context).parse_args(arguments)  # an unknown option ends here


def test_there_is_a_line_for_each_job() -> None:
    assert len(PYTHON) >= 7
    jobs = {"separate", "karaoke", "minus-one", "score", "remix-pack", "samples", "rebalance", "play-as"}
    assert {line.split()[1] for line in COMMANDS} >= {*jobs, "page", "batch"}
