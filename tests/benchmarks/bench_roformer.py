"""How fast is Mel-Band RoFormer, and how much memory does it take? Full size, random weights: nothing is fetched.

    python tests/benchmarks/bench_roformer.py [--seconds 8] [--runs 1] [--threads 1] [--device cpu] [--half]
        [--published] [--json out.json]

One piece of the length that the network was trained on (8 s), or a shorter one, without what the separation loop does
around it. Processor time is given beside wall time, since other programs that keep the machine busy change the second
only. ``--half`` adds bfloat16 and its difference from float32; ``--published`` adds the code that the weights were
published for, with the same weights: it needs the packages melband-roformer-infer, rotary-embedding-torch and beartype.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import platform
import resource
import sys
import time
import types
from pathlib import Path

import torch

from musiclab.separation.engines.roformer.config import Config
from musiclab.separation.engines.roformer.engine import RoformerEngine
from musiclab.separation.engines.roformer.network import MelBandRoformer
from musiclab.separation.trial import decibels, pink


def seeded() -> MelBandRoformer:
    """The network at full size, its weights random and of a size that lets signals through."""
    network = MelBandRoformer(Config())
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in network.parameters():
            if value.ndim == 2:
                value.normal_(std=value.shape[1] ** -0.5, generator=generator)
        for name, value in network.named_parameters():
            if name.endswith("bias"):
                value.zero_()
    return network


def peak_mb() -> float:
    """The most memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def timed(engine: RoformerEngine, piece: torch.Tensor) -> tuple[torch.Tensor, float, float]:
    """What comes of a piece, with wall and processor seconds."""
    began = time.perf_counter(), time.process_time()
    out = engine.separate(piece)
    if piece.device.type == "cuda":
        torch.cuda.synchronize()
    return out, time.perf_counter() - began[0], time.process_time() - began[1]


def published(network: MelBandRoformer) -> torch.nn.Module:
    """The published code's network, with the same weights. Its package is not imported whole: that needs much more."""
    folder = Path(importlib.metadata.distribution("melband-roformer-infer").locate_file("mel_band_roformer"))  # type: ignore[arg-type]
    package = types.ModuleType("mel_band_roformer")
    package.__path__ = [str(folder)]
    sys.modules["mel_band_roformer"] = package
    made = importlib.import_module("mel_band_roformer.mel_band_roformer").MelBandRoformer(
        384, depth=6, stereo=True, num_stems=1, time_transformer_depth=1, freq_transformer_depth=1, num_bands=60,
        dim_head=64, heads=8, attn_dropout=0.0, ff_dropout=0.0, flash_attn=False, stft_hop_length=441,
        mask_estimator_depth=2,
    )  # fmt: skip
    made.load_state_dict(network.state_dict())
    found: torch.nn.Module = made.eval()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--half", action="store_true", help="bfloat16 too, and how far it is from float32")
    parser.add_argument("--published", action="store_true", help="the published code too, and how far it is from ours")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    engine = RoformerEngine(seeded(), name="melband-roformer")
    piece = pink(int(asked.seconds * engine.sr)).to(asked.device)
    found: dict[str, object] = {
        "machine": platform.processor() or platform.machine(), "isa": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__, "threads": asked.threads, "device": asked.device, "seconds": asked.seconds,
    }  # fmt: skip
    before = peak_mb()
    with torch.inference_mode():
        engine.separate(piece[..., : engine.sr // 4])  # what the first run prepares doesn't count
        runs = [timed(engine, piece) for _ in range(asked.runs)]
        found |= {"wall_s": min(run[1] for run in runs), "cpu_s": min(run[2] for run in runs)}
        found["times_real_time"] = asked.seconds / min(run[2 if asked.device == "cpu" else 1] for run in runs)
        found["memory_mb"] = peak_mb() - before
        if asked.half:
            with torch.autocast(asked.device.split(":")[0], dtype=torch.bfloat16):
                half, wall, cpu = timed(engine, piece)
            wanted = runs[0][0]
            found |= {"half_wall_s": wall, "half_cpu_s": cpu, "difference_db": decibels(half - wanted, wanted)}
        if asked.published:
            theirs, began = published(engine.network).to(asked.device), time.process_time()
            wanted = theirs(piece)
            found["published_cpu_s"] = time.process_time() - began
            ours = runs[0][0][:, 0, :, : wanted.shape[-1]]
            found["from_published_db"] = decibels(ours - wanted, wanted)
    print(json.dumps(found, indent=1))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
