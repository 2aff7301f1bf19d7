"""HTDemucs on OpenVINO: the network between the STFT and its inverse, converted once per weights.

`musiclab.separation.engines.demucs.runtime` decides whether it is used.

Notebook: 06
"""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import torch


class _Core(torch.nn.Module):
    """HTDemucs between its STFT and the inverse, by its own `forward` with these two replaced."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = copy.copy(network)  # the weights are shared; the methods replaced below are the copy's own

    def forward(self, mixture: torch.Tensor, spectrum: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mixture and its STFT as channels; the estimates of the waveform branch, and of the spectral one."""
        found: list[torch.Tensor] = []

        def keep(estimate: torch.Tensor, _: int) -> torch.Tensor:
            found.append(estimate)
            return torch.zeros((), dtype=estimate.dtype)

        network = self.network
        network._spec = lambda _: spectrum
        network._magnitude = lambda given: given
        network._mask = lambda _, estimate: estimate
        network._ispec = keep
        waves = network(mixture)
        return waves, found[0]


class Compiled:
    """A converted network, callable as the original."""

    def __init__(self, network: Any, model: Path, precision: str) -> None:
        import openvino

        hints = {
            "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
        }
        self.network = network
        self.run = openvino.Core().compile_model(model, "CPU", hints)

    def __call__(self, mixture: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", enabled=False):
            return torch.cat([self._one(piece[None]) for piece in mixture])

    def _one(self, mixture: torch.Tensor) -> torch.Tensor:
        z = self.network._spec(mixture)
        answer = self.run([mixture.numpy(), self.network._magnitude(z).contiguous().numpy()])
        waves, spectrum = torch.from_numpy(answer[0]), torch.from_numpy(answer[1])
        estimate: torch.Tensor = self.network._ispec(self.network._mask(z, spectrum), mixture.shape[-1])
        return estimate.add_(waves)


def convert(network: Any, mixture: torch.Tensor, spectrum: torch.Tensor, target: Path) -> None:
    """Trace the network and hand it to OpenVINO (through its front end for torch, which reports to nobody)."""
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of each Python condition; the length is fixed
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            _Core(network).eval(), (mixture, spectrum), check_trace=False
        )
        front = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(traced)  # the front end holds it by a bare pointer: it needs a name
        model = front.convert(front.load(decoder))
    openvino.save_model(model, target, compress_to_fp16=False)
