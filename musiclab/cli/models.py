"""``musiclab engines``, ``musiclab models`` and ``musiclab cache``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from musiclab import store
from musiclab.cli import console
from musiclab.cli.console import Commands
from musiclab.cli.separate import JsonOption
from musiclab.errors import WeightsError

KIND = "weights"

app = typer.Typer(cls=Commands, help="Weights of engines: what is here, fetch, check, remove.", no_args_is_help=True)
cache_app = typer.Typer(cls=Commands, help="The folder of results and weights.", no_args_is_help=True)

NameArgument = Annotated[list[str], typer.Argument(help="Names of engines, as `musiclab models list` shows them.")]


def engines(json: JsonOption = False) -> None:
    """Which engines there are: stems, licences, size, and whether each works with no network."""
    from musiclab.separation import registry

    table = registry.engines()
    if json:
        console.print_json({"engines": [asdict(info) for info in table]})
        return
    rows = [
        (i.name, ", ".join(i.stems), "yes" if i.ready else "no", _megabytes(i.size_bytes), i.quality) for i in table
    ]
    console.print_table("Engines", ("engine", "stems", "ready offline", "size", "quality"), rows, numbers=(3,))
    licences = [(i.name, i.licence.code, i.licence.weights, i.licence.source) for i in table]
    console.print_table("\nLicences, as their authors state them", ("engine", "code", "weights", "source"), licences)
    for disputed in dict.fromkeys(i.licence.disputed for i in table if i.licence.disputed):
        names = ", ".join(i.name for i in table if i.licence.disputed == disputed)
        console.stdout().print(f"\nDisputed ({names}): {disputed}", markup=False)


@app.command("list")
def list_models(json: JsonOption = False) -> None:
    """The weights that can be fetched, and which of them are here."""
    from musiclab.separation import weights

    here = store.default_store()
    entries = [(weights.entry(name), weights.is_here(name)) for name in weights.names()]
    if json:
        console.print_json(
            {"folder": str(here.root / KIND), "models": [{**asdict(entry), "here": ready} for entry, ready in entries]}
        )
        return
    rows = [
        (e.name, "yes" if ready else "no", _megabytes(e.size), e.licence.weights, str(e.sources[-1]))
        for e, ready in entries
    ]
    console.print_table("Weights", ("engine", "here", "size", "licence of the weights", "from"), rows, numbers=(2,))


@app.command("download")
def download(names: NameArgument) -> None:
    """Fetch weights now, for use with no network later."""
    from musiclab.separation import registry, weights

    for name in names:
        weights.entry(name)  # a wrong name is said
        with console.progress_bar(f"{name}: fetching") as bar:
            registry.version(name, progress=bar)
        weights.verify(name)
        folder = store.default_store().peek(name, KIND)
        console.stdout().print(f"{name}: ready, in {folder}", markup=False)


@app.command("verify")
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Names of engines; all that are here if left out.")] = None,
    json: JsonOption = False,
) -> None:
    """Read the weights that are here and compare their SHA-256 with what is known of them."""
    from musiclab.separation import weights

    stored = [name for name in weights.names() if store.default_store().peek(name, KIND)]
    results: dict[str, str] = {}
    for name in names or stored:
        try:
            weights.verify(name)
            results[name] = ""
        except WeightsError as error:
            results[name] = str(error)
    if json:
        console.print_json({"models": {name: {"ok": not why, "error": why} for name, why in results.items()}})
    else:
        for name, why in results.items():
            console.complain(why) if why else console.stdout().print(f"{name}: {weights.origin(name)}", markup=False)
        if not results:
            console.stdout().print("No weights are here: nothing to check.")
    if any(results.values()):
        raise typer.Exit(console.FAILED)


@app.command("remove")
def remove(names: NameArgument) -> None:
    """Delete weights from the store."""
    from musiclab.separation import weights

    for name in names:
        weights.entry(name)  # a wrong name is said, not passed over
        store.default_store().remove(name, KIND)
        console.stdout().print(f"{name}: removed", markup=False)


@cache_app.command("info")
def cache_info(json: JsonOption = False) -> None:
    """Where the cache is, how full, and of what."""
    info = store.default_store().info()
    if json:
        console.print_json(
            {
                "folder": str(info.root),
                "limit_bytes": info.limit_bytes,
                "shared": [str(folder) for folder in info.shared],
                "kinds": {kind: asdict(usage) for kind, usage in info.kinds.items()},
            }
        )
        return
    rows = [
        (kind, str(usage.entries), _megabytes(usage.bytes), "stay until removed" if kind in store.PINNED else "")
        for kind, usage in sorted(info.kinds.items())
    ]
    title = f"{info.root}: at most {info.limit_bytes / 1e9:g} GB of results"
    console.print_table(title, ("kind", "entries", "size", ""), rows or [("nothing yet", "", "", "")], numbers=(1, 2))
    for folder in info.shared:
        console.stdout().print(f"Looked into first, and never written to: {folder}", markup=False)


@cache_app.command("clear")
def cache_clear(
    weights: Annotated[bool, typer.Option("--weights", help="Delete the weights too.")] = False,
) -> None:
    """Delete stored results; weights stay unless asked for."""
    folder = store.default_store()
    freed = folder.clear() + (folder.clear(KIND) if weights else 0)
    console.stdout().print(f"{freed / 1e6:.1f} MB freed.")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size else ""
