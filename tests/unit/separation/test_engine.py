"""Engines: what the table says of them, how others register theirs, and what choosing one costs."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest
import torch

from musiclab.errors import EngineError
from musiclab.separation import Engine, EngineInfo, EngineTable, Licence, load_engine, registry, weights
from musiclab.separation.engine import STEMS_4, STEMS_6
from musiclab.separation.engines import builtin, plugins
from musiclab.separation.registry import engines


class Plugin(Engine):
    """An engine of another package."""

    name, stems, sr, licence, segment = "plugin", ("this", "that"), 16000, Licence("BSD-3-Clause", "CC-BY-4.0"), 2.0

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        return torch.stack([mixture, 0 * mixture], dim=1)


def broken_plugin() -> Engine:
    raise ImportError("no module named torchaudio")


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("plugin", f"{__name__}:Plugin", "musiclab.engines"),
        EntryPoint("broken", f"{__name__}:broken_plugin", "musiclab.engines"),
        EntryPoint("htdemucs", f"{__name__}:Plugin", "musiclab.engines"),
    ]
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "musiclab.engines" else [])


def info(name: str) -> EngineInfo:
    return next(info for info in engines() if info.name == name)


def test_the_table_names_every_engine_once() -> None:
    names = [info.name for info in engines()]
    assert names[0] == "htdemucs"
    assert {"htdemucs_ft", "htdemucs_6s", "hdemucs_mmi", "mdx_extra", "hpss"} <= set(names)
    assert len(names) == len(set(names))
    assert info("htdemucs_6s").stems == STEMS_6
    assert info("hpss").stems == STEMS_4


def test_weights_that_are_not_here_are_not_ready() -> None:
    assert not info("htdemucs").ready
    assert info("htdemucs").why_not
    assert info("htdemucs").size_bytes > 5e7
    assert info("hpss").ready


def test_every_engine_states_its_licence_and_the_dispute() -> None:
    for each in engines():
        assert each.licence.code
        assert each.licence.weights
    licence = info("htdemucs").licence
    assert licence.source.startswith("https://")
    assert "scientific purposes" in licence.disputed


def test_the_table_shows_itself() -> None:
    table = engines()
    text, html = repr(table), table._repr_html_()
    for each in table:
        assert each.name in text
        assert each.name in html
    assert "disputed" in text
    assert text.count("scientific purposes") == 1  # the note once, not on each line
    assert max(len(line) for line in text.splitlines()[: len(table) + 2]) < 200


def test_what_others_write_is_escaped() -> None:
    table = EngineTable([EngineInfo("<script>", ("a",), Licence("<b>", "x", "javascript:'\"", disputed="<i>"))])
    html = table._repr_html_()
    assert "<script>" not in html
    assert "<i>" not in html


@pytest.mark.usefixtures("registered")
def test_another_package_can_register_an_engine(caplog: pytest.LogCaptureFixture) -> None:
    assert info("plugin").stems == ("this", "that")
    assert isinstance(load_engine("plugin"), Engine)
    assert not info("broken").ready
    assert (info("broken").stems, info("broken").size_bytes) == ((), 0)
    assert "torchaudio" in info("broken").why_not
    with pytest.raises(EngineError, match="torchaudio"):
        load_engine("broken")
    assert "its name is taken" in caplog.text


def test_the_figure_that_is_said_is_the_one_that_is_sorted_by() -> None:
    said = {info.name: re.search(r"([\d.]+) dB SDR", info.quality) for info in engines()}
    assert said["embedded"]
    for info in engines():
        if (figure := said[info.name]) is not None:
            assert info.sdr == float(figure[1]), info.name


def test_an_unknown_name_names_the_known_ones() -> None:
    with pytest.raises(EngineError, match="htdemucs"):
        load_engine("no such thing")


def test_every_built_in_method_loads() -> None:
    for each in builtin.BUILT_IN:
        engine = each.load()
        assert engine.name == each.info.name
        assert engine.stems == each.info.stems


def test_the_manifest_is_complete() -> None:
    for name in weights.names():
        entry = weights.entry(name)
        assert entry.size > 0
        assert entry.family in ("demucs", "roformer", "spleeter")
        assert entry.family != "demucs" or f"{name}.yaml" in entry.stored
        for source in entry.sources:
            assert all(digest is None or len(digest) == 64 for digest in source.files.values())


def test_the_table_needs_neither_torch_nor_a_network() -> None:
    code = (
        "import socket, sys; socket.socket.connect = socket.getaddrinfo = lambda *a, **k: 1 / 0; "
        "import musiclab; repr(musiclab.engines()); "
        "assert not {'torch', 'huggingface_hub', 'demucs', 'librosa'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_done_with_the_weights_is_part_of_one_version_only(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: registry.version(name) for name in ("embedded", "hpss")}
    changed = tuple(replace(b, method="another") if b.info.name == "embedded" else b for b in builtin.BUILT_IN)
    monkeypatch.setattr(builtin, "BUILT_IN", changed)
    assert registry.version("embedded") != before["embedded"]
    assert registry.version("hpss") == before["hpss"] == "2"  # results of the classical engines in stores stay valid
