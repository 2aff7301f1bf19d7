"""Packages that a light install leaves out (`requirements-lite.txt`): what needs one says so in a sentence."""

from __future__ import annotations

import importlib
import sys

from musiclab.errors import MissingPackageError


def need(package: str, doing: str) -> None:
    """Make sure that a package can be imported.

    Parameters
    ----------
    package : str
        As it is imported.
    doing : str
        What needs it, as a sentence begins: ``"Separating"``.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:  # it is there, and lacks something itself
            raise
        name = package.replace("_", "-")
        remedy = (
            "which a page without a server has not: do it where musiclab is installed"
            if sys.platform == "emscripten"
            else f"which is not installed here: pip install {name}, "
            "or all that musiclab can use with pip install musiclab"
        )
        missing = MissingPackageError(f"{doing} needs the package {name}, {remedy}.")
        missing.name = package
        raise missing from None
