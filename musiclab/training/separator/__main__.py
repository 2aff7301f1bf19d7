"""Train the embedded separator: ``python -m musiclab.training.separator render | train | export | evaluate | …``.

``docs/training.md`` tells the way from nothing to weights, on any machine.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from musiclab.errors import MusiclabError
from musiclab.separation.engines.embedded import WEIGHTS
from musiclab.separation.engines.embedded.network import STEMS

log = logging.getLogger("musiclab")

Options = argparse.Namespace


def render(options: Options) -> None:
    """Render songs to learn from."""
    from musiclab.training.separator.rendering import render_songs

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    made = render_songs(
        options.out,
        songs=options.songs,
        first_seed=options.first_seed,
        samples=options.samples,
        duration=options.duration,
        jobs=options.jobs,
        stop=stop,
    )
    log.info("%d songs in %s", made, options.out)


def train(options: Options) -> None:
    """Train on them."""
    from musiclab.training.separator.running import Plan, Run
    from musiclab.training.separator.train import Trainer, TrainingSettings

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = ("songs", "device", "batch", "seconds", "parts", "muon_lr", "adam_lr", "average", "seed", "hold", "most")
    settings = TrainingSettings(**{name: getattr(options, name) for name in names})
    trainer = Trainer(settings, resume=options.resume)
    if options.start is not None and options.resume is None:
        trainer.start_from(options.start)
    plan = ("out", "minutes", "steps", "tail", "dev", "score_every", "save_every")
    Run(trainer, Plan(**{name: getattr(options, name) for name in plan})).train()
    log.info("%d steps in %s", trainer.step, options.out)


def export(options: Options) -> None:
    """Write a checkpoint's weights as the engine reads them."""
    from musiclab.training.separator.export import export as written

    bias = {name: getattr(options, name) for name in STEMS if getattr(options, name)}
    log.info("%s: %s", options.out, written(options.checkpoint, options.out, bias=bias))


def evaluate(options: Options) -> None:
    """Score exported weights on songs whose stems are known."""
    from musiclab.training.separator.development import evaluate as scored

    for name, scores in scored(options.weights, options.folder).items():
        log.info("%-8s %s", name, ", ".join(f"{stem} {value:.2f}" for stem, value in scores.items()))


def curves(options: Options) -> None:
    """Draw how a training went."""
    from musiclab.training.separator.curves import draw

    draw(options.run, options.out)


def compact(options: Options) -> None:
    """Make a small copy of the samples."""
    from musiclab.training.separator.compact import compact as copied

    log.info("%d files in %s", copied(options.samples, options.out, megabytes=options.megabytes), options.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m musiclab.training.separator", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(what: Callable[[Options], None]) -> argparse.ArgumentParser:
        found = commands.add_parser(what.__name__, help=what.__doc__, description=what.__doc__)
        found.set_defaults(what=what)
        return found

    add = command(render).add_argument
    add("out", type=Path, help="folder of songs")
    add("--songs", type=int, default=100)
    add("--first-seed", type=int, default=1)
    add("--samples", type=Path, help="folder with index.json (default: MUSICLAB_SAMPLES)")
    add("--duration", type=float, default=24.0, help="seconds of each")
    add("--jobs", type=int, default=1, help="processes")
    _training(command(train))
    add = command(export).add_argument
    add("checkpoint", type=Path)
    add("--out", type=Path, default=WEIGHTS, help="file to write")
    for name in STEMS:
        add(f"--{name}", type=float, default=0.0, help=f"added to the logits of {name}")
    add = command(evaluate).add_argument
    add("folder", type=Path, help="multitracks, or rendered songs (.npy)")
    add("--weights", type=Path, default=WEIGHTS, help="a .safetensors with its .json")
    add = command(curves).add_argument
    add("run", type=Path, help="the --out of a training")
    add("--out", type=Path, required=True, help="picture to write (png, svg or pdf)")
    add = command(compact).add_argument
    add("samples", type=Path)
    add("out", type=Path)
    add("--megabytes", type=float, default=35.0)
    return parser


def _training(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--songs", type=Path, action="append", required=True, help="folder of .npy songs (repeatable)")
    add("--out", type=Path, required=True, help="folder for checkpoints and logs")
    add("--minutes", type=float, help="how long to train, from now")
    add("--steps", type=int, help="how many steps in all (this, --minutes, or both)")
    add("--device", default="auto")
    add("--resume", type=Path, help="checkpoint to go on from")
    add("--published", dest="start", action="store_const", const=WEIGHTS, help="begin with musiclab's weights")
    add("--start", type=Path, help="weights (.safetensors) to begin with")
    add("--dev", type=Path, help="folder of real multitracks to score, never to learn from")
    add("--batch", type=int, default=4)
    add("--parts", type=int, help="in how many parts a batch is computed")
    add("--seconds", type=float, default=6.0, help="of an example")
    add("--tail", type=float, default=0.4, help="share in which the learning rate falls to zero")
    add("--muon-lr", type=float, default=0.01)
    add("--adam-lr", type=float, default=2e-3)
    add("--average", type=float, default=0.995, help="of the weights: 0.999 for thousands of steps")
    add("--seed", type=int, default=0)
    add("--hold", type=int, default=0, help="songs kept for scoring")
    add("--most", type=int, help="songs taken in at most")
    add("--score-every", type=float, default=8.0, help="minutes")
    add("--save-every", type=float, default=3.0, help="minutes")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = _parser().parse_args(argv)
    try:
        options.what(options)
    except KeyboardInterrupt:
        return 130
    except (MusiclabError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
