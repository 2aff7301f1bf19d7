"""The layers of HTDemucs, written for inference on a processor: see `musiclab.separation.engines.demucs.lean`.

Tensors are ``(bins, frames, channels)``, of one song, or tokens ``(tokens, channels)``.

Notebook: 06
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

from musiclab.separation.device import onednn_takes

CACHE = 1 << 19  # numbers in one tensor between layers: for each thread: 2 MB in float32, what a core keeps near
QUERIES = 168  # of attention at a time, for each thread


def by_onednn(x: torch.Tensor) -> bool:
    """Whether products of matrices go through oneDNN, a few rows at a time: on processors. GPUs take it all at once."""
    return x.device.type == "cpu" and onednn_takes(x.dtype)


def product(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, then: str = "none"
) -> torch.Tensor:
    """``then(x @ weight.T + bias)``."""
    if by_onednn(x):
        y: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, then, [], "none")
        return y
    y = F.linear(x, weight, bias)
    return F.gelu(y) if then == "gelu" else y.sigmoid_() if then == "sigmoid" else y


class Linear:
    """A linear layer, ``(..., inputs)`` to ``(..., outputs)``."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, dtype: torch.dtype, then: str = "none") -> None:
        self.weight = weight.to(dtype).contiguous()
        if by_onednn(self.weight):
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, None)
        self.bias, self.then = bias.to(dtype), then

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return product(x, self.weight, self.bias, self.then)


class Convolution:
    """A convolution of ``(bins, frames, channels)``; one with a single dimension goes along the frames."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        weight = layer.weight if layer.weight.dim() == 4 else layer.weight[:, :, None]
        self.weight = weight.to(dtype).contiguous(memory_format=torch.channels_last)
        self.bias = layer.bias.to(dtype)
        self.stride, self.padding, self.dilation = (
            tuple(given) if len(given) == 2 else (neutral, *given)
            for given, neutral in ((layer.stride, 1), (layer.padding, 0), (layer.dilation, 1))
        )

    def __call__(self, x: torch.Tensor, padding: tuple[int, ...] | None = None) -> torch.Tensor:
        padding = self.padding if padding is None else padding
        y = F.conv2d(x.permute(2, 0, 1)[None], self.weight, self.bias, self.stride, padding, self.dilation)
        return y[0].permute(1, 2, 0)


class Norm:
    """A group norm with one group: over the frames and channels of each bin."""

    def __init__(self, layer: Any, dtype: torch.dtype, scale: torch.Tensor | None = None) -> None:
        if layer.num_groups != 1:
            raise ValueError("a norm of several groups")
        if scale is not None:  # for the first half of a gated unit, which its second half is multiplied with
            scale = torch.cat([scale, torch.ones_like(scale)])
        self.weight, self.bias = (
            (value if scale is None else value * scale).to(dtype) for value in (layer.weight, layer.bias)
        )
        self.eps = layer.eps
        self._repeated = self.weight, self.bias

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        bins, frames, channels = x.shape
        if channels >= 16:
            y = F.group_norm(x.permute(0, 2, 1)[:, :, None], 1, self.weight, self.bias, self.eps)
            return y[:, :, 0].permute(0, 2, 1)
        if self._repeated[0].shape[0] != frames * channels:  # a group norm of few channels is slow
            self._repeated = self.weight.repeat(frames), self.bias.repeat(frames)
        return F.layer_norm(x.reshape(bins, -1), (frames * channels,), *self._repeated, self.eps).view(x.shape)


class Residual:
    """Demucs's `DConv`: small branches that each add to their input, bin by bin."""

    def __init__(self, module: Any, dtype: torch.dtype) -> None:
        self.branches = [
            (
                Convolution(shrink, dtype),
                Norm(first, dtype),
                Linear(grow.weight[:, :, 0], grow.bias, dtype),
                Norm(second, dtype, scale.scale),
            )
            for shrink, first, _, grow, second, _, scale in module.layers
        ]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        for shrink, first, grow, second in self.branches:
            x = F.glu(second(grow(F.gelu(first(shrink(x))))), -1).add_(x)
        return x


class Gate:
    """A gated linear unit: one half of a layer's outputs times the sigmoid of the other."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        halves = zip(layer.weight.flatten(1).chunk(2), layer.bias.chunk(2), ("none", "sigmoid"), strict=True)
        self.value, self.gate = (Linear(weight, bias, dtype, then) for weight, bias, then in halves)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.value(x).mul_(self.gate(x))


class Encoder:
    """Demucs's `HEncLayer`."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        self.conv, self.stride, self.freq = Convolution(layer.conv, dtype), layer.stride, layer.freq
        self.residual, self.rewrite = Residual(layer.dconv, dtype), Gate(layer.rewrite, dtype)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if not self.freq:
            x = F.pad(x, (0, 0, 0, -x.shape[1] % self.stride))
        y = self.conv(x)
        for part in torch.split(y, rows_at_once(y)):
            part.copy_(self.rewrite(self.residual(F.gelu(part))))
        return y


class Decoder:
    """Demucs's `HDecLayer`."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        self.stride, self.pad, self.freq, self.last = layer.stride, layer.pad, layer.freq, layer.last
        self.rewrite = Convolution(layer.rewrite, dtype)
        # Output 4 i + j is made of input i by tap j and of input i - 1 by tap 4 + j, if the stride is 4.
        weight = layer.conv_tr.weight.flatten(2).unflatten(2, (2, self.stride)).flip(2)
        taps = weight.permute(3, 1, 0, 2).flatten(0, 1)  # (stride * outputs, inputs, before and at)
        taps = taps[..., None] if self.freq else taps[:, :, None]
        self.taps = taps.to(dtype).contiguous(memory_format=torch.channels_last)
        self.bias = layer.conv_tr.bias.to(dtype).repeat(self.stride)

    def __call__(self, x: torch.Tensor, skip: torch.Tensor, length: int) -> torch.Tensor:
        step = rows_at_once(x)
        if self.freq:
            return self._up_bins(self._gated(framed(x, skip), step), step)
        z = self._up(self._gated(x + skip, step), (0, 1))[0]
        z = z.flatten(0, 1)[None, self.pad : self.pad + length]
        return z if self.last else F.gelu(z)

    def _gated(self, x: torch.Tensor, step: int) -> torch.Tensor:
        """The gated convolution, into a frame of empty bins again."""
        y, channels = empty_frame(x) if self.freq else torch.empty_like(x), x.shape[2]
        inner = y[1:-1] if self.freq else y
        for start, target in zip(range(0, len(inner), step), torch.split(inner, step), strict=True):
            part = self.rewrite(x[start : start + step + 2 * self.freq], (0, self.rewrite.padding[1]))
            torch.mul(part[..., :channels], part[..., channels:].sigmoid_(), out=target)
        return y

    def _up_bins(self, y: torch.Tensor, step: int) -> torch.Tensor:
        outputs = len(self.bias) // self.stride
        z = y.new_empty(len(y) - 1, self.stride, y.shape[1], outputs)
        for start, target in zip(range(0, len(z), step), torch.split(z, step), strict=True):
            part = self._up(y[start : start + step + 1], (0, 0))
            target.copy_((part if self.last else F.gelu(part)).transpose(1, 2))
        return z.flatten(0, 1)[self.pad : -self.pad or None]

    def _up(self, y: torch.Tensor, padding: tuple[int, int]) -> torch.Tensor:
        """Each pair of neighbours makes as many outputs as the stride [shape=(bins, frames, stride, outputs)]."""
        z = F.conv2d(y.permute(2, 0, 1)[None], self.taps, self.bias, padding=padding)
        return torch.unflatten(z[0].permute(1, 2, 0), 2, (self.stride, -1))


def empty_frame(x: torch.Tensor) -> torch.Tensor:
    """Room for ``(bins, frames, channels)`` of one kind with a bin of zeros before and behind, if `x` has them too."""
    y = torch.empty_like(x)
    y[0], y[-1] = 0, 0
    return y


def framed(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The sum of two, between a bin of zeros before and one behind."""
    z = x.new_empty(x.shape[0] + 2, *x.shape[1:])
    z[0], z[-1] = 0, 0
    torch.add(x, y, out=z[1:-1])
    return z


def rows_at_once(x: torch.Tensor) -> int:
    """How many bins of ``(bins, frames, channels)`` fit the cache while twice the channels are made of them."""
    if not by_onednn(x):
        return x.shape[0]
    return max(1, CACHE * torch.get_num_threads() // (2 * x.shape[1] * x.shape[2]))


class Attention:
    """A multi-head attention, and the scale of what it adds."""

    def __init__(self, layer: Any, gamma: torch.Tensor, dtype: torch.dtype) -> None:
        self.heads = layer.num_heads
        q, k, v = layer.in_proj_weight.chunk(3)
        q_bias, k_bias, v_bias = layer.in_proj_bias.chunk(3)
        scale = (q.shape[0] // self.heads) ** -0.5
        self.q, self.k = Linear(q * scale, q_bias * scale, dtype), Linear(k, k_bias, dtype)
        self.v = v.to(dtype).contiguous()
        # Each row of the attention's matrix sums to one, so the bias of the values goes through it as it is.
        out = layer.out_proj
        bias = out.bias + out.weight @ v_bias
        self.out = Linear(gamma[:, None] * out.weight, gamma * bias, dtype)

    def __call__(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Tokens [shape=(queries, channels)] and those that they look at."""
        q, k = (torch.unflatten(layer(y), 1, (self.heads, -1)).transpose(0, 1).contiguous()
                for layer, y in ((self.q, x), (self.k, other)))  # fmt: skip
        if not by_onednn(x):
            v = torch.unflatten(F.linear(other, self.v), 1, (self.heads, -1)).transpose(0, 1)
            found = F.scaled_dot_product_attention(q[None], k[None], v[None], scale=1.0)[0]
            return self.out(found.transpose(0, 1).flatten(1))
        v = torch.unflatten(product(self.v, other), 0, (self.heads, -1))  # (heads, channels of one, tokens)
        found = torch.empty_like(x)
        step = QUERIES * torch.get_num_threads()
        for head, columns in enumerate(torch.unflatten(found, 1, (self.heads, -1)).unbind(1)):
            for queries, target in zip(torch.split(q[head], step), torch.split(columns, step), strict=True):
                target.copy_(product(torch.softmax(product(queries, k[head]), -1), v[head]))
        return self.out(found)


class Block:
    """A layer of the transformer, for tokens that look at themselves or at those of the other branch."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        self.dtype, self.crosses = dtype, hasattr(layer, "cross_attn")
        self.norms = (layer.norm1, layer.norm2, layer.norm3 if self.crosses else layer.norm2)
        self.attention = Attention(layer.cross_attn if self.crosses else layer.self_attn, layer.gamma_1.scale, dtype)
        gamma, second = layer.gamma_2.scale, layer.linear2
        self.first = Linear(layer.linear1.weight, layer.linear1.bias, dtype, then="gelu")
        self.second = Linear(gamma[:, None] * second.weight, gamma * second.bias, dtype)
        self.norm_out = Norm(layer.norm_out, torch.float32)

    def __call__(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        seen = self.norms[0](x).to(self.dtype)
        x = x + self.attention(seen, self.norms[1](other).to(self.dtype) if self.crosses else seen)
        x += self.second(self.first(self.norms[2](x).to(self.dtype)))
        return self.norm_out(x[None])[0]
