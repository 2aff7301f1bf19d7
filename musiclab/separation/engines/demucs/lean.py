"""HTDemucs written for inference: the weights of Demucs's network, its answers, less time.

The arithmetic is that of `demucs.htdemucs.HTDemucs` in evaluation; what differs is the order of the work:

- tensors lie as ``(bins, frames, channels)`` from the first layer to the last, so that a layer of 1 x 1 is a product of
  matrices and nothing is turned around between layers; the branch of the waveform is the same with one bin;
- layers go over a few bins at a time, which stay in the processor's cache;
- products of matrices go through oneDNN, with their weights laid out once: torch takes MKL otherwise, which uses half
  of what processors by AMD can do (on a GPU they go the usual way);
- attention takes a few queries at a time, so that its matrix is never whole (on a GPU it is flash attention);
- the scales of layers (Demucs's `LayerScale`, and that of the queries) are part of the weights;
- a transposed convolution, whose kernel is twice its stride, is a plain one over two neighbours;
- frames that are padding are not transformed, nor is anything made anew that stays the same, such as the positions of
  tokens; on a GPU nothing waits for a result, so that the whole can be recorded as a graph (`Graph`) and played back.

Only what Demucs's published networks are made of is known here. `musiclab.separation.engines.demucs.runtime` compares
an `Inference` with its original before it is used.

Notebook: 06
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from demucs.transformer import create_2d_sin_embedding, create_sin_embedding

from musiclab.separation.engines.demucs.lean_layers import Block, Decoder, Encoder, Linear
from musiclab.separation.inverse import real_ends_


class Inference:
    """An HTDemucs, callable as the original.

    Parameters
    ----------
    network : HTDemucs
        On the device on which it shall run.
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
        self.window = torch.hann_window(network.nfft, device=self.embedding.device)
        self.positions: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = {}

    def __call__(self, mixture: torch.Tensor) -> torch.Tensor:
        """Estimates [shape=(batch, sources, 2, frames)] of mixtures [shape=(batch, 2, frames)]."""
        with torch.autocast(mixture.device.type, enabled=False):
            return torch.stack([self._one(piece) for piece in mixture])

    def _one(self, mixture: torch.Tensor) -> torch.Tensor:
        network, length = self.network, mixture.shape[-1]
        missing = int(network.segment * network.samplerate) - length if network.use_train_segment else 0
        if missing:
            mixture = F.pad(mixture, (0, missing))
        spectrum = self._spectrum(mixture)
        (std, mean), (std_t, mean_t) = torch.std_mean(spectrum), torch.std_mean(mixture)
        x = ((spectrum - mean) / (1e-5 + std)).to(self.dtype).contiguous()
        xt = ((mixture - mean_t) / (1e-5 + std_t)).T[None].to(self.dtype).contiguous()
        x, xt = self._layers(x, xt)
        waves = xt[0].T.float().mul(std_t).add_(mean_t)
        out = torch.unflatten(waves, 0, (len(network.sources), -1))
        out += self._inverse(torch.addcmul(mean, x.float(), std), mixture.shape[-1]).view(out.shape)
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
            weight, device = former.weight_pos_embed, self.window.device
            places = (weight * plane.permute(2, 1, 0).flatten(0, 1), weight * line)
            self.positions = {(frames, frames_t): (places[0].to(device), places[1].to(device))}
        return self.positions[frames, frames_t]

    def _spectrum(self, mixture: torch.Tensor) -> torch.Tensor:
        """STFT of ``(channels, frames)`` by Demucs's conventions, with real and imaginary parts as channels.

        Demucs pads twice and drops the frames that the second padding made: here they are not made.
        """
        hop, nfft, length = self.network.hop_length, self.network.nfft, mixture.shape[-1]
        pad = hop // 2 * 3
        padded = F.pad(mixture, (pad, pad + -length % hop), mode="reflect")
        pieces = padded.unfold(-1, nfft, hop) * self.window
        spectrum = torch.view_as_real(torch.fft.rfft(pieces, norm="ortho")[..., :-1])
        return spectrum.permute(2, 1, 0, 3).flatten(2)

    def _inverse(self, x: torch.Tensor, length: int) -> torch.Tensor:
        """The inverse STFT of ``(bins, frames, signals * 2)`` [shape=(signals, length)]."""
        (bins, frames, channels), hop = x.shape, self.network.hop_length
        spectra = torch.view_as_complex(torch.unflatten(x, 2, (channels // 2, 2))).permute(2, 1, 0)
        spectrum = torch.zeros(frames, bins + 1, dtype=torch.complex64, device=x.device)
        waves = torch.zeros(channels // 2, frames + 3, hop, device=x.device)
        window = self.window.view(4, hop) / 1.5  # the squares of four overlapping windows add up to 1.5
        for wave, given in zip(waves, spectra, strict=True):
            spectrum[:, :bins] = given
            real_ends_(spectrum.mT, n_fft=self.network.nfft)
            pieces = torch.unflatten(torch.fft.irfft(spectrum, norm="ortho"), 1, (4, hop))
            for quarter, weight in enumerate(window):
                wave[quarter : quarter + frames].addcmul_(pieces[:, quarter], weight)
        pad = hop // 2 * 3
        return waves.flatten(1)[:, pad : pad + length]


class Graph:
    """An `Inference` on CUDA, recorded once and played back: launching its many small kernels costs nothing any more.

    Parameters
    ----------
    form : Inference
        What to record.
    like : torch.Tensor [shape=(1, 2, frames)]
        What it will be given; for another length it is not recorded but run.
    """

    def __init__(self, form: Inference, like: torch.Tensor) -> None:
        self.form, self.given = form, like.clone()
        aside = torch.cuda.Stream(like.device)  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream(like.device))
        with torch.cuda.stream(aside):  # libraries prepare themselves in the first runs
            for _ in range(3):
                form(self.given)
        torch.cuda.current_stream(like.device).wait_stream(aside)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.answer = form(self.given)

    def __call__(self, mixture: torch.Tensor) -> torch.Tensor:
        if mixture.shape[1:] != self.given.shape[1:]:
            return self.form(mixture)
        answers = []
        for piece in mixture:
            self.given.copy_(piece[None])
            self.graph.replay()
            answers.append(self.answer.clone())
        return torch.cat(answers)
