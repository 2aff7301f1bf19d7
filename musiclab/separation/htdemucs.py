"""HTDemucs written for inference on a processor: the weights of Demucs's network, its answers, less time.

The arithmetic is that of `demucs.htdemucs.HTDemucs` in evaluation; what differs is the order of the work:

- tensors lie as ``(bins, frames, channels)`` from the first layer to the last, so that a layer of 1 x 1 is a product of
  matrices and nothing is turned around between layers; the branch of the waveform is the same with one bin;
- layers go over a few bins at a time, which stay in the processor's cache;
- products of matrices go through oneDNN, with their weights laid out once: torch takes MKL otherwise, which uses half
  of what processors by AMD can do;
- attention takes a few queries at a time, so that its matrix is never whole;
- the scales of layers (Demucs's `LayerScale`, and that of the queries) are part of the weights;
- a transposed convolution, whose kernel is twice its stride, is a plain one over two neighbours;
- frames that are padding are not transformed back.

Only what Demucs's published networks are made of is known here. `musiclab.separation.runtime` compares an `Inference`
with its original before it is used.

Notebook: 06
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from demucs.transformer import create_2d_sin_embedding, create_sin_embedding

from musiclab.separation.htdemucs_layers import Block, Decoder, Encoder, Linear


class Inference:
    """An HTDemucs, callable as the original.

    Parameters
    ----------
    network : HTDemucs
        On the CPU.
    dtype : torch.dtype
        Of the layers' arithmetic: float32 or bfloat16. Norms, sums and the STFT are in float32.

    Raises
    ------
    Exception
        Of many kinds, if the network is made of other parts than those that are known here.

    Notebook: 06
    """

    def __init__(self, network: Any, dtype: torch.dtype = torch.float32) -> None:
        self.network, self.dtype = network, dtype
        self.encoders = [Encoder(layer, dtype) for layer in network.encoder]
        self.time_encoders = [Encoder(layer, dtype) for layer in network.tencoder]
        self.decoders = [Decoder(layer, dtype) for layer in network.decoder]
        self.time_decoders = [Decoder(layer, dtype) for layer in network.tdecoder]
        self.embedding = (network.freq_emb.weight * network.freq_emb_scale)[:, None].to(dtype)
        former = network.crosstransformer
        self.blocks = [
            (Block(layer, dtype), Block(time_layer, dtype))
            for layer, time_layer in zip(former.layers, former.layers_t, strict=True)
        ]
        names = ("upsampler", "downsampler", "upsampler_t", "downsampler_t") if network.bottom_channels else ()
        layers = {name: getattr(network, f"channel_{name}") for name in names}
        self.samplers = {name: Linear(layer.weight[:, :, 0], layer.bias, dtype) for name, layer in layers.items()}
        self.window = torch.hann_window(network.nfft) / 1.5  # the squares of four overlapping windows add up to 1.5
        self.positions: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = {}

    def __call__(self, mixture: torch.Tensor) -> torch.Tensor:
        """Estimates [shape=(batch, sources, 2, frames)] of mixtures [shape=(batch, 2, frames)]."""
        with torch.autocast("cpu", enabled=False):
            return torch.stack([self._one(piece) for piece in mixture])

    def _one(self, mixture: torch.Tensor) -> torch.Tensor:
        network, length = self.network, mixture.shape[-1]
        missing = int(network.segment * network.samplerate) - length if network.use_train_segment else 0
        if missing:
            mixture = F.pad(mixture, (0, missing))
        spectrum = network._magnitude(network._spec(mixture[None]))[0]
        (std, mean), (std_t, mean_t) = torch.std_mean(spectrum), torch.std_mean(mixture)
        x = ((spectrum - mean) / (1e-5 + std)).permute(1, 2, 0).to(self.dtype).contiguous()
        xt = ((mixture - mean_t) / (1e-5 + std_t)).T[None].to(self.dtype).contiguous()
        x, xt = self._layers(x, xt)
        waves = xt[0].T.float().mul(std_t).add_(mean_t)
        out = torch.unflatten(waves, 0, (len(network.sources), -1))
        out += self._inverse(torch.add(mean, x.float(), alpha=float(std)), mixture.shape[-1]).view(out.shape)
        return out[..., :length]

    def _layers(self, x: torch.Tensor, xt: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What lies between the STFT and its inverse, for both branches."""
        saved, lengths = [], []
        for index, (encoder, time_encoder) in enumerate(zip(self.encoders, self.time_encoders, strict=True)):
            lengths.append(xt.shape[1])
            x, xt = encoder(x), time_encoder(xt)
            if index == 0:
                x += self.embedding
            saved.append((x, xt))
        x, xt = self._transformer(x, xt)
        for decoder, time_decoder in zip(self.decoders, self.time_decoders, strict=True):
            skip, skip_t = saved.pop()
            x, xt = decoder(x, skip, 0), time_decoder(xt, skip_t, lengths.pop())
        return x, xt

    def _transformer(self, x: torch.Tensor, xt: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        former, (bins, frames, _) = self.network.crosstransformer, x.shape
        tokens, tokens_t = x.transpose(0, 1).flatten(0, 1), xt[0]
        if self.samplers:
            tokens, tokens_t = self.samplers["upsampler"](tokens), self.samplers["upsampler_t"](tokens_t)
        place, place_t = self._positions(bins, frames, tokens.shape[1], len(tokens_t))
        tokens = former.norm_in(tokens.float()) + place
        tokens_t = former.norm_in_t(tokens_t.float()) + place_t
        for block, time_block in self.blocks:
            tokens, tokens_t = block(tokens, tokens_t), time_block(tokens_t, tokens)
        tokens, tokens_t = tokens.to(self.dtype), tokens_t.to(self.dtype)
        if self.samplers:
            tokens, tokens_t = self.samplers["downsampler"](tokens), self.samplers["downsampler_t"](tokens_t)
        return torch.unflatten(tokens, 0, (frames, bins)).transpose(0, 1), tokens_t[None]

    def _positions(self, bins: int, frames: int, channels: int, frames_t: int) -> tuple[torch.Tensor, torch.Tensor]:
        """What tells tokens where they are."""
        if (frames, frames_t) not in self.positions:
            former = self.network.crosstransformer
            plane = create_2d_sin_embedding(  # type: ignore[no-untyped-call]
                channels, bins, frames, max_period=former.max_period
            )[0]
            line = create_sin_embedding(frames_t, channels, max_period=former.max_period)[:, 0]
            weight = former.weight_pos_embed
            self.positions = {(frames, frames_t): (weight * plane.permute(2, 1, 0).flatten(0, 1), weight * line)}
        return self.positions[frames, frames_t]

    def _inverse(self, x: torch.Tensor, length: int) -> torch.Tensor:
        """The inverse STFT of ``(bins, frames, signals * 2)`` [shape=(signals, length)], by Demucs's conventions."""
        (bins, frames, channels), hop = x.shape, self.network.hop_length
        spectra = torch.view_as_complex(torch.unflatten(x, 2, (channels // 2, 2))).permute(2, 1, 0)
        spectrum = torch.zeros(frames, bins + 1, dtype=torch.complex64)
        waves = torch.zeros(channels // 2, frames + 3, hop)
        for wave, given in zip(waves, spectra, strict=True):
            spectrum[:, :bins] = given
            pieces = torch.unflatten(torch.fft.irfft(spectrum, norm="ortho"), 1, (4, hop))
            for quarter, window in enumerate(self.window.view(4, hop)):
                wave[quarter : quarter + frames].addcmul_(pieces[:, quarter], window)
        pad = hop // 2 * 3
        return waves.flatten(1)[:, pad : pad + length]
