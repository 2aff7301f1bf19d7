"""Demucs: its networks with our segment loop around them.

HTDemucs and HDemucs (S. Rouard, F. Massa, A. Défossez, "Hybrid Transformers for Music Source Separation", ICASSP 2023,
arXiv:2211.08553; A. Défossez, arXiv:2111.03600), single or as a bag of several with a weight for each stem. The weights
are safetensors as on the Demucs hub; nothing in them is run: only these two classes are ever made from a file.

Notebook: 06
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch

from musiclab.codecs.readers import MAX_RATE
from musiclab.errors import WeightsError
from musiclab.progress import Progress
from musiclab.separation import weights
from musiclab.separation.engine import STEMS_6, Engine, Licence
from musiclab.separation.engines.demucs import runtime as runtimes
from musiclab.separation.engines.demucs.attention import flash_attention
from musiclab.separation.engines.demucs.published import CLASSES, fetch
from musiclab.separation.inverse import real_ends_
from musiclab.separation.trial import Form
from musiclab.store import sha256_of

LONGEST_SEGMENT = 600  # s: networks were made for 8 to 45


class DemucsEngine(Engine):
    """A Demucs network, or a bag of them.

    Parameters
    ----------
    networks : sequence of torch.nn.Module
        HTDemucs or HDemucs, with the same sources, rate and segment.
    name : str
        What to call it.
    shares : sequence of mappings, optional
        For each network, the weight of its estimate of each source; by default all count the same.
    segment : float, optional
        Seconds, for networks without a fixed one (HDemucs).
    licence : Licence
        Of the weights.
    version : str
        A digest of the weights; empty if results should not be kept.
    runtime : {"auto", "torch", "openvino", "plain"}
        ``"auto"`` takes the fastest form of each network, ``"torch"`` leaves OpenVINO out, ``"openvino"`` takes it even
        if it is slower, and ``"plain"`` takes the network as Demucs wrote it: see `runtime` beside this file.

    Raises
    ------
    WeightsError
        If the networks don't belong together.

    Notebook: 06
    """

    normalise = True
    half = True

    def __init__(
        self,
        networks: Sequence[Any],
        *,
        name: str = "demucs",
        shares: Sequence[Mapping[str, float]] | None = None,
        segment: float | None = None,
        licence: Licence | None = None,
        version: str = "",
        runtime: str = "auto",
    ) -> None:
        first = networks[0]
        for network in networks:
            if (network.sources, network.samplerate, network.audio_channels) != (first.sources, first.samplerate, 2):
                raise WeightsError(f"The networks of {name!r} don't belong together: sources, rate or channels differ.")
        self.name, self.version = name, version
        self.licence = licence or Licence(code="MIT", weights="not stated")
        self.sr = int(first.samplerate)
        # Our order: vocals first. Sources that we have no place for come last, as they are.
        self.stems = tuple(sorted(first.sources, key=lambda s: STEMS_6.index(s) if s in STEMS_6 else len(STEMS_6)))
        self.fixed = bool(getattr(first, "use_train_segment", False))
        own = min(float(network.segment) for network in networks)
        self.segment = own if segment is None or (self.fixed and segment > own) else float(segment)
        # Convolutions in "channels last" order are a quarter faster on CPUs and on GPUs with tensor cores.
        self.networks = [
            _real_ended(network.eval().requires_grad_(False).to(memory_format=torch.channels_last))
            for network in networks
        ]
        self._runtime = runtime
        self._fast: dict[tuple[int, bool], tuple[int, Form]] = {}  # each with the batch that it was chosen for
        self._place: torch.device | None = None
        self._order = [first.sources.index(stem) for stem in self.stems]
        given = shares or [dict.fromkeys(self.stems, 1.0)] * len(networks)
        table = torch.tensor([[share.get(stem, 0.0) for stem in self.stems] for share in given])
        if len(table) != len(networks) or not (table >= 0).all() or not torch.isfinite(table).all():
            raise WeightsError(f"The bag {name!r} has to say for each of its networks, with numbers, what it is worth.")
        if (table.sum(0) <= 0).any():
            raise WeightsError(f"The bag {name!r} leaves a stem without a network.")
        self._shares = table / table.sum(0)

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        """Stems of a batch of pieces: see `Engine.separate`."""
        out = mixture.new_zeros(mixture.shape[0], len(self.stems), *mixture.shape[1:])
        with flash_attention():
            for index, shares in enumerate(self._shares.tolist()):
                estimate = self._network(index, mixture)(mixture)
                for stem, (source, share) in enumerate(zip(self._order, shares, strict=True)):
                    if share:
                        out[:, stem].add_(estimate[:, source], alpha=share)
        return out

    def _network(self, index: int, mixture: torch.Tensor) -> Form:
        """One of the networks, in the fastest form that there is for the device and for as many pieces at once."""
        device, batch = mixture.device, mixture.shape[0]
        network: Form = self.networks[index].to(device)
        half = torch.is_autocast_enabled(device.type)
        other = half and torch.get_autocast_dtype(device.type) != torch.bfloat16
        if device.type not in ("cpu", "cuda") or self._runtime == "plain" or other:
            return network
        if device != self._place:  # what was made on another device points to weights that are there no more
            self._fast.clear()
            self._place = device
        if self._fast.get((index, half), (0, network))[0] < batch:  # a song's last batch is smaller: no new choice
            with torch.autocast(device.type, enabled=False):
                form = runtimes.fastest(network, half=half, runtime=self._runtime, batch=batch)
            self._fast[index, half] = batch, form
        return self._fast[index, half][1]

    def half_pays(self, device: torch.device) -> bool | None:
        """Whether bfloat16 is worth its rounding; None if that has to be tried by whoever asks."""
        if device.type != "cpu" or not runtimes.suits(self.networks[0]):
            return None
        return runtimes.half_pays(self.networks[0].to(device))


def _real_ended(network: Any) -> Any:
    """The same network, its weights shared, whose inverse STFT gets spectra with real ends on any device."""
    network = copy.copy(network)  # the method replaced below is the copy's own
    inverse = network._ispec

    def real_ended(z: torch.Tensor, *lengths: Any, **named: Any) -> torch.Tensor:
        found: torch.Tensor = inverse(real_ends_(z, n_fft=network.nfft), *lengths, **named)
        return found

    network._ispec = real_ended
    return network


def from_hub(name: str, *, progress: Progress | None = None) -> DemucsEngine:
    """A Demucs of the manifest, its weights fetched if need be and checked. See `weights.fetch`."""
    folder = fetch(name, progress=progress)
    return _assemble(folder, name, weights.entry(name).licence, weights.version(name))


def from_folder(folder: Path, *, allow_pickle: bool = False) -> DemucsEngine:
    """A Demucs whose weights lie in a folder of yours.

    Parameters
    ----------
    folder : Path
        Holds ``NAME.yaml`` (a bag: its networks, their weights, a segment) beside ``SIGNATURE.safetensors`` for each
        of its networks, as on the Demucs hub; or one safetensors file alone.
    allow_pickle : bool
        Also read Demucs's older ``.th`` files. They are pickles: **they can run any code**. Only for files whose
        origin you trust.

    Raises
    ------
    WeightsError
        If the folder holds no weights, several bags, or files in an unsafe or unknown format.

    Notebook: 06
    """
    bags = [file for file in weights.files_of(folder) if file.suffix == ".yaml"]
    single = [file for file in weights.files_of(folder) if file.suffix != ".yaml"]
    version = weights.digest_of(folder)
    if len(bags) == 1:
        return _assemble(folder, bags[0].stem, None, version, allow_pickle=allow_pickle)
    if not bags and len(single) == 1:
        return DemucsEngine([_network(single[0], allow_pickle)], name=single[0].stem, version=version)
    raise WeightsError(f"{folder} has to hold one .yaml with its networks beside it, or one safetensors file alone.")


def _assemble(
    folder: Path, name: str, licence: Licence | None, version: str, *, allow_pickle: bool = False
) -> DemucsEngine:
    """The networks that ``NAME.yaml`` names."""
    import yaml  # type: ignore[import-untyped]

    try:
        bag = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
        signatures, segment = list(bag["models"]), bag.get("segment")
        segment = None if segment is None else float(_within(segment, 0, LONGEST_SEGMENT))
        rows = [[float(share) for share in row] for row in bag.get("weights") or []]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise WeightsError(f"{name}.yaml does not say which networks belong to {name!r}: fetch it again.") from error
    networks = [_network(_file(folder, str(signature), allow_pickle), allow_pickle) for signature in signatures]
    if any(len(row) != len(networks[0].sources) for row in rows):
        raise WeightsError(f"{name}.yaml has to give a weight for each of {', '.join(networks[0].sources)}.")
    shares = [dict(zip(networks[0].sources, row, strict=True)) for row in rows] or None
    return DemucsEngine(networks, name=name, shares=shares, segment=segment, licence=licence, version=version)


def _file(folder: Path, signature: str, allow_pickle: bool) -> Path:
    """The file of a network: ``SIGNATURE.safetensors``, or Demucs's older ``SIGNATURE-CHECKSUM.th``."""
    if signature != Path(signature).name:
        raise WeightsError(f"A bag names networks of its own folder, not {signature!r}.")
    safe = folder / f"{signature}.safetensors"
    if safe.is_file():
        return safe
    pickles = sorted(folder.glob(f"{signature}*.th"))
    if pickles and allow_pickle:
        return pickles[0]
    if pickles:
        raise WeightsError(
            f"{pickles[0].name} is a pickle, which can run any code: use safetensors, or from_folder(..., "
            "allow_pickle=True) if you trust where it came from."
        )
    raise WeightsError(f"{signature}.safetensors is missing in {folder}.")


def _network(file: Path, allow_pickle: bool) -> Any:
    """One network from its file: the class and its arguments stand in the file's metadata, as JSON."""
    if file.suffix == ".th":
        if not allow_pickle:
            raise WeightsError(f"{file.name} is a pickle, which can run any code: use safetensors.")
        from demucs.states import load_model

        digits = re.fullmatch(r".+-([0-9a-f]{8})", file.stem)  # Demucs names its files by the first of their SHA-256
        if digits and not sha256_of(file).startswith(digits[1]):
            raise WeightsError(f"{file.name} is not the file that Demucs published by this name: fetch it again.")
        return load_model(file)  # type: ignore[no-untyped-call]
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(file), framework="pt") as opened:
            about = opened.metadata() or {}
            state = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 - it is no dict
        network = _class(about["klass"])(*_decoded(about["args"]), **_decoded(about["kwargs"]))
        network.load_state_dict(state)
        _check(network)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0][:160]
        raise WeightsError(f"{file.name} is not a Demucs network as the Demucs hub has them ({reason}).") from error
    return network


def _check(network: Any) -> None:
    """What the loop relies on: a constructor takes anything for it."""
    if not network.sources or not all(isinstance(source, str) for source in network.sources):
        raise ValueError("its sources have no names")
    _within(network.samplerate, 0, MAX_RATE)
    _within(network.segment, 0, LONGEST_SEGMENT)


def _within(value: Any, low: float, high: float) -> Any:
    """`value`, if it is a number above `low` and at most `high`."""
    if not low < value <= high:
        raise ValueError(f"{str(value)[:40]} does not lie between {low} and {high}")
    return value


def _class(path: str) -> Any:
    """The class of a network. Only these: a name from a file must not choose what runs."""
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    known = dict(zip(CLASSES, (HTDemucs, HDemucs), strict=True))
    if path not in known:
        raise ValueError(f"a network of the class {path!r}")
    return known[path]


def _decoded(text: str) -> Any:
    """A network's arguments from JSON, with fractions as the hub writes them."""
    return json.loads(text, object_hook=_fraction)


def _fraction(item: dict[str, Any]) -> Any:
    return Fraction(item["numerator"], item["denominator"]) if item.get("_type") == "fraction" else item
