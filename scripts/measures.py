"""The house's measures of Python: no file over 300 lines, no function body over 40.

Called by ``make lint``; those of JavaScript stand in ``eslint.config.mjs``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "musiclab"
FILE_LINES = 300
FUNCTION_LINES = 40


def too_long(source: str) -> Iterator[tuple[int, str]]:
    """What is over its measure in a module's `source`: line, and a sentence."""
    if (lines := len(source.splitlines())) > FILE_LINES:
        yield 1, f"the file has {lines} lines, {FILE_LINES} at most"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (lines := length(node)) > FUNCTION_LINES:
            yield node.lineno, f"{node.name} has {lines} lines, {FUNCTION_LINES} at most"


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body: what a function declares and says of itself is for its reader, and may take what it needs."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    last = body[-1].end_lineno
    assert last is not None, "it was parsed from text"
    return last - body[0].lineno + 1


def main() -> int:
    found = 0
    for path in sorted(PACKAGE.rglob("*.py")):
        for line, what in too_long(path.read_text("utf-8")):
            print(f"{path.relative_to(PACKAGE.parent)}:{line}: {what}")
            found += 1
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
