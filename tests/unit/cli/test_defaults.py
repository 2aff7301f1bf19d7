"""What a command does where nothing is said: the same in every command that has the option."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from musiclab.cli import app

USUAL: dict[str, Any] = {
    "json": False, "cache": True, "device": "auto", "engine": "auto", "quality": "default", "tab": False,
    "transpose": 0, "player": "", "semitones": 0.0, "confidence": 0.0,
}  # fmt: skip


def options() -> list[tuple[str, str, Any]]:
    """Command, option and default of all commands, those of groups too."""
    found, waiting = [], [("musiclab", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        waiting += [(f"{name} {inner}", one) for inner, one in getattr(command, "commands", {}).items()]
        if not name.startswith("musiclab evaluate"):  # of engines it takes several
            found += [(name, option.name, option.default) for option in command.params if option.name in USUAL]
    return found


def test_the_commands_are_there() -> None:
    commands = {name for name, *_ in options()}
    assert {"musiclab separate", "musiclab karaoke", "musiclab remix-pack", "musiclab score"} <= commands
    assert len(options()) > 40


@pytest.mark.parametrize(("command", "option", "default"), options())
def test_an_option_has_its_usual_default(command: str, option: str, default: Any) -> None:
    assert getattr(default, "value", default) == USUAL[option], command
