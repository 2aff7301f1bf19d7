"""Where the time of one segment of HTDemucs goes, for each form of the network.

    python tests/benchmarks/profile_demucs.py [--threads 1] [--json out.json]

The network is HTDemucs as published with random weights. Shares are of the clock (torch's profiler, OpenVINO's own
counters), each the median of five runs, so that other work on the machine moves them little. For OpenVINO, what torch
does around it (STFT, its inverse, masks) stands under STFT.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from bench_demucs import network
from tables import table
from torch.profiler import ProfilerActivity, profile

from musiclab.separation.device import has_bfloat16
from musiclab.separation.engines.demucs import openvino as converted
from musiclab.separation.engines.demucs import runtime
from musiclab.separation.engines.demucs.attention import flash_attention
from musiclab.separation.engines.demucs.lean import Inference

KINDS = {
    "linear layers": ("addmm", "_linear_pointwise", "FullyConnected", "MatMul"),
    "attention": ("scaled_dot_product", "softmax", "Softmax", "Subgraph"),  # OpenVINO fuses each into a subgraph
    "convolutions": ("convolution", "conv2d", "Convolution", "Deconvolution"),
    "norms and activations": ("norm", "gelu", "glu", "sigmoid", "MVN", "Gelu", "Sigmoid", "Multiply"),
    "STFT and inverse": ("fft", "stft", "unfold"),
}
REST = "copies, sums, paddings"
ROUNDS = 5


def kind_of(name: str, shapes: list[list[int]] | None = None) -> str:
    """What an operation belongs to. Attention's products are those without a bias."""
    if "_linear_pointwise" in name and shapes and len(shapes) > 2 and not shapes[2]:
        return "attention"
    return next((kind for kind, words in KINDS.items() if any(word in name for word in words)), REST)


def torch_shares(form: Any, x: torch.Tensor, half: bool) -> Iterator[dict[str, float]]:
    with torch.inference_mode(), flash_attention(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        form(x)
        for _ in range(ROUNDS):
            with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as seen:
                form(x)
            found: dict[str, float] = {}
            for event in seen.key_averages(group_by_input_shape=True):
                kind = kind_of(event.key, event.input_shapes)
                found[kind] = found.get(kind, 0.0) + event.self_cpu_time_total
            yield found


def openvino_shares(model: Any, folder: Path, x: torch.Tensor, precision: str) -> Iterator[dict[str, float]]:
    import openvino

    with torch.no_grad():
        spectrum = model._magnitude(model._spec(x)).contiguous()
    if not (folder / "network.xml").exists():
        converted.convert(model, x, spectrum, folder / "network.xml")
    hint = {"float32": "f32", "bfloat16": "bf16"}[precision]
    settings = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": torch.get_num_threads(), "PERF_COUNT": True}
    request = openvino.Core().compile_model(folder / "network.xml", "CPU", settings).create_infer_request()
    whole = converted.Compiled(model, folder / "network.xml", precision)
    with torch.inference_mode():
        whole(x)
        for _ in range(ROUNDS):
            request.infer([x.numpy(), spectrum.numpy()])
            found: dict[str, float] = {}
            for node in request.profiling_info:
                kind = kind_of(node.node_type)
                found[kind] = found.get(kind, 0.0) + node.real_time.total_seconds() * 1e6
            start = time.perf_counter()
            model._ispec(model._mask(model._spec(x), torch.zeros(1, 4, 4, *spectrum.shape[2:])), x.shape[-1])
            found["STFT and inverse"] = (time.perf_counter() - start) * 1e6
            yield found


def shares(name: str, runs: Iterator[dict[str, float]]) -> dict[str, object]:
    """One row: the share of each kind."""
    percent = [{kind: 100 * spent / sum(run.values()) for kind, spent in run.items()} for run in runs]
    kinds = [*KINDS, REST]
    row = {kind: f"{statistics.median(run.get(kind, 0.0) for run in percent):.0f} %" for kind in kinds}
    return {"form": name, **row}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    model = network().requires_grad_(False).to(memory_format=torch.channels_last)
    x = runtime._noise(model)
    types = runtime.TYPES if has_bfloat16(x.device) else {"float32": torch.float32}  # emulated, it would take hours
    rows = [
        shares(f"Demucs's network as it is, {precision}", torch_shares(model, x, half=precision == "bfloat16"))
        for precision in types
    ]
    for precision, dtype in types.items():
        with torch.no_grad():
            form = Inference(model, dtype)
        rows.append(shares(f"torch, {precision}", torch_shares(form, x, half=False)))
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for precision in types:
                runs = openvino_shares(model, Path(folder), x, precision)
                rows.append(shares(f"OpenVINO, {precision}", runs))
    except ImportError:
        print("OpenVINO is not installed.")
    print(table(rows))
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
