"""``python -m musiclab`` is ``musiclab``. Nothing heavy is imported before Ctrl-C is provided for."""

import sys


def main() -> None:
    """The program ``musiclab``."""
    try:
        from musiclab.cli import main as run
        from musiclab.cli.console import any_terminal, stopped_gently

        any_terminal()
        stopped_gently()
        run()
    except KeyboardInterrupt:  # while modules are loaded, or while the program ends
        sys.exit(130)


if __name__ == "__main__":
    main()
