"""Which form of a network is fastest on this machine: tried once, on a short sound, and kept in the store.

A form is anything that takes a tensor and answers with one: another order of the same arithmetic, another library,
another precision. Each is timed, and compared with the first. What is certain beforehand is not tried: see
`musiclab.separation.device.has_bfloat16`.

Notebook: 06
"""

from __future__ import annotations

import json
import logging
import math
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from musiclab.store import default_store, key_of

log = logging.getLogger("musiclab")

KIND = "runtimes"
VERSION = 4  # part of every record's key: raise it when forms are compared otherwise
REPORT = "report.json"
ROUNDS = 3  # of every form; the first, in which buffers are prepared, doesn't count
HOPELESS = 2.0  # times slower than the fastest in the first round: it is not run again
LIMITS = {"float32": -60.0, "bfloat16": -40.0}  # dB: the difference from the first form stays below

Form = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Trial:
    """What came of a form: seconds of one run, and the difference of its answer from that of the first form in dB."""

    seconds: float
    difference: float

    def good(self, precision: str) -> bool:
        """Whether its answer is near enough to be used."""
        return self.difference < LIMITS[precision]


Report = dict[str, Trial]


def compare(forms: Mapping[str, Form], sound: torch.Tensor, *, rounds: int = ROUNDS) -> Report:
    """Time the forms on `sound`, and compare their answers with that of the first.

    Parameters
    ----------
    forms : mapping
        By name. One that fails is left out; if the first fails, so does the trial.
    sound : torch.Tensor
        As a form takes it, as many pieces as it will be given.
    rounds : int
        How often each is run at most; the best of all but the first counts.
    """
    times: dict[str, list[float]] = {name: [] for name in forms}
    differences: dict[str, float] = {}
    reference: torch.Tensor | None = None
    with torch.inference_mode(), torch.autocast(sound.device.type, enabled=False):
        for round_ in range(rounds):
            for name, form in forms.items():
                best = min((spent[0] for spent in times.values() if spent), default=math.inf)
                if round_ and (name not in differences or times[name][0] > HOPELESS * best):
                    continue
                start = _clock(sound.device)
                try:
                    answer = form(sound)
                except Exception as error:
                    if reference is None:
                        raise
                    log.info("The form %r of the network fails: %s", name, reason(error))
                    times[name].clear()
                    differences.pop(name, None)
                    continue
                times[name].append(_clock(sound.device) - start)
                if not round_:
                    reference = answer.float() if reference is None else reference
                    differences[name] = decibels(answer.float() - reference, reference)
    return {name: Trial(min(times[name][1:] or times[name]), found) for name, found in differences.items()}


def remembered(compute: Callable[[], Report], *parts: object, device: torch.device) -> Report:
    """What `compute` finds, remembered in the store for this machine, this torch and whatever `parts` name."""
    machine = [platform.machine(), platform.processor(), torch.backends.cpu.get_cpu_capability()]
    if device.type == "cuda":
        machine.append(torch.cuda.get_device_name(device))
    return default_store().recall(
        key_of("forms", VERSION, torch.__version__, torch.get_num_threads(), *machine, *parts),
        compute,
        write=write,
        read=read,
        kind=KIND,
    )


def write(report: Report, folder: Path) -> None:
    """A report as a file of `folder`."""
    found = {name: asdict(trial) for name, trial in report.items()}
    (folder / REPORT).write_text(json.dumps(found, indent=1), encoding="utf-8")


def read(folder: Path) -> Report:
    """The report of a folder.

    Raises
    ------
    OSError, ValueError
        If it can't be understood.
    """
    found = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    try:
        return {name: Trial(**trial) for name, trial in found.items()}
    except (TypeError, AttributeError) as error:
        raise ValueError("this is no report of a trial") from error


def pink(frames: int, *, batch: int = 1) -> torch.Tensor:
    """Noise that falls by 3 dB per octave, as music does [shape=(batch, 2, frames)], deviation 1, always the same."""
    white = torch.randn(batch, 2, frames, generator=torch.Generator().manual_seed(0))
    fall = torch.arange(frames // 2 + 1).clamp(min=1).rsqrt()
    noise: torch.Tensor = torch.fft.irfft(torch.fft.rfft(white) * fall, frames)
    return noise.div_(noise.std())


def decibels(difference: torch.Tensor, wanted: torch.Tensor) -> float:
    """Level of a difference against that of what is wanted; infinite if it can't be told (NaN)."""
    ratio = float(difference.square().mean() / wanted.square().mean())
    return 10 * math.log10(ratio + 1e-20) if math.isfinite(ratio) else math.inf


def reason(error: Exception) -> str:
    """What went wrong, in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _clock(device: torch.device) -> float:
    """Seconds: what it costs a processor, whatever else this machine is doing; what passes on a GPU."""
    if device.type != "cuda":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()
