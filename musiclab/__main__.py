"""``python -m musiclab`` is ``musiclab``."""

from musiclab.cli import main

if __name__ == "__main__":
    main()
