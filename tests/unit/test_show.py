"""What a notebook shows of `Audio` and `Stems`: true figures, true level, safe and self-contained HTML."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from musiclab import codecs, show
from musiclab.audio import Audio, envelope
from musiclab.stems import Stems
from tests.sounds import song, tone

SR = 44100


def sound(seconds: float = 1.0, *, level: float = 0.1, channels: int = 2, title: str = "") -> Audio:
    return Audio(np.tile(tone(SR / (40 * np.pi), seconds, level=level), (channels, 1)), SR, title=title)


def stems(seconds: float = 1.0, **levels: float) -> Stems:
    parts = {name: sound(seconds, level=level) for name, level in (levels or {"vocals": 0.2, "bass": 0.1}).items()}
    whole = song({name: part.samples for name, part in parts.items()}, title="Song")
    return Stems(whole, whole.mixture, engine="hpss")


class Checked(HTMLParser):
    """Tags that open and close in order, and their attributes."""

    VOID = frozenset({"path", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def sound_of(page: Checked, number: int = 0) -> Audio:
    head, data = page.all("audio")[number]["src"].split(",", 1)
    assert re.fullmatch(r"data:audio/(flac|webm|mpeg);base64", head)
    return codecs.load(base64.b64decode(data))


@pytest.mark.parametrize("seconds", [0.5, 12.0])
@pytest.mark.parametrize("level", [0.01, 0.5, 2.0])
def test_the_player_plays_at_true_level(seconds, level):
    sent = sound(seconds, level=level)
    heard = sound_of(Checked(sent._repr_html_()))
    assert heard.rms_db == pytest.approx(sent.rms_db, abs=0.2)
    assert heard.duration == pytest.approx(seconds, abs=0.03)


def test_short_sounds_are_heard_as_they_are():
    sent = sound(0.5)
    heard = sound_of(Checked(show.audio_html(sent)))
    assert np.abs(heard.samples - sent.samples).max() < 2 / 32768


def test_the_figures_are_true():
    text = show.audio_html(sound(2.5, level=0.5, title="A tone"))
    assert "A tone" in text
    assert "2.50 s · stereo · 44.1 kHz · −9.0 dBFS · peak −6.0 dBFS" in text
    assert "1:05 · mono" in show.audio_html(sound(65.4, channels=1))
    assert "silent" in show.audio_html(sound(level=0))


def test_a_peak_over_full_scale_is_marked():
    assert re.search(r'class="ml-hot"[^>]*>\+6.0<', show.audio_html(sound(level=2.0)))
    assert 'class="ml-hot"' not in show.audio_html(sound(level=0.99))


def test_long_audio_is_cut_and_it_is_said(monkeypatch):
    monkeypatch.setattr(show, "PLAYER_SECONDS", 60.0)
    text = show.audio_html(sound(65))
    assert "The player holds the first 1 min." in text
    assert sound_of(Checked(text)).duration == pytest.approx(60, abs=0.05)
    assert "1:05" in text


@pytest.mark.parametrize("channels", [6, 12])
def test_many_channels_are_folded_for_the_player(channels):
    text = show.audio_html(sound(channels=channels))
    assert sound_of(Checked(text)).channels == 2
    assert f"the {channels} channels to two" in text


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a & b 'c'"])
def test_names_can_not_inject_anything(evil):
    text = show.audio_html(sound(title=evil)) + show.stems_html(
        Stems({evil: sound()}, Audio(sound().samples, SR, title=evil), engine=evil)
    )
    assert not {tag for tag, _ in Checked(text).found} & {"script", "img", "iframe", "object", "a", "link"}
    for _, attributes in Checked(text).found:
        assert not any(name.startswith("on") for name in attributes)


def test_nothing_is_fetched():
    for text in (show.audio_html(sound()), show.stems_html(stems())):
        assert not re.search(r"https?:|@import|url\(|<link|<script", text)


def test_everything_has_a_name_for_those_who_listen_to_pages():
    page = Checked(show.stems_html(stems()))
    assert {audio["aria-label"] for audio in page.all("audio")} == {
        f"Play {name}" for name in ("mixture", "vocals", "bass", "residual")
    }
    assert all(svg["role"] == "img" and svg["aria-label"].startswith("Waveform of") for svg in page.all("svg"))
    assert {th.get("scope") for th in page.all("th")} == {"col", "row"}
    assert all(audio.get("controls", "missing") is None for audio in page.all("audio"))


def test_the_table_of_stems_tells_levels_and_shares():
    text = show.stems_html(stems(vocals=0.2, bass=0.1))
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", text)
    cells = [re.sub(r"<svg.*?</svg>|<audio.*?</audio>", "", row) for row in rows]
    words = [re.sub(r"<[^>]+>", " ", cell).split() for cell in cells]
    assert [row[0] for row in words] == ["mixture", "vocals", "bass", "residual"]
    assert words[1][1:] == ["−17.0", "−14.0", "80", "%"]  # 0.2² is four fifths of 0.2² + 0.1²
    assert words[2][1:] == ["−23.0", "−20.0", "20", "%"]
    assert words[3][1:3] == ["−∞", "−∞"] or float(words[3][1].replace("−", "-")) < -130
    assert "2 stems by hpss · 1.00 s · stereo · 44.1 kHz" in text


def test_an_engine_whose_name_says_nothing_is_told_in_plain_words():
    text = show.stems_html(Stems(stems(), stems().mixture, engine="embedded"))
    assert "2 stems by embedded (the network that comes with musiclab) · 1.00 s" in text


def test_players_in_the_table_are_at_true_level():
    many = stems(vocals=0.2, bass=0.02)
    page = Checked(many._repr_html_())
    for number, name in enumerate(("mixture", "vocals", "bass")):
        sent = many.mixture if name == "mixture" else many[name]
        assert sound_of(page, number).rms_db == pytest.approx(sent.rms_db, abs=0.05)


def test_long_stems_have_no_players_but_a_hint(monkeypatch):
    monkeypatch.setattr(show, "TABLE_SECONDS", 3.0)
    text = show.stems_html(stems())
    assert not Checked(text).all("audio")
    assert "ml.Mixer(stems)" in text
    assert len(text) < 200_000


@pytest.mark.parametrize("count", [1, 2, 6, 9])
def test_any_number_of_stems(count):
    text = show.stems_html(stems(0.2, **{f"part {k}": 0.1 for k in range(count)}))
    assert len(Checked(text).all("tr")) == count + 3


@pytest.mark.parametrize("audio", [Audio(np.zeros((1, 1)), 8000), sound(0.01), Audio(np.ones((2, 3)), 192000)])
def test_odd_sounds_show_themselves_too(audio):
    Checked(show.audio_html(audio))
    Checked(show.stems_html(Stems({"other": audio}, audio)))


@pytest.mark.parametrize("columns", [1, 7, 600, 5000])
def test_the_envelope_holds_every_peak(columns):
    rng = np.random.default_rng(0)
    audio = Audio(rng.uniform(-0.5, 0.5, (2, 4321)), SR)
    low, high, rms = envelope(audio.samples, columns)
    assert len(low) == len(high) == len(rms) == min(columns, 4321)
    assert high.max() == audio.samples.max()
    assert low.min() == audio.samples.min()
    weights = np.diff(np.linspace(0, 4321, len(rms) + 1).astype(int))
    assert np.sum(rms.astype(np.float64) ** 2 * weights) / 4321 == pytest.approx(np.mean(audio.samples**2), rel=1e-4)


def test_the_envelope_shows_where_a_click_is():
    samples = np.zeros(10_000)
    samples[7_450] = 0.9
    _, high, _ = envelope(Audio(samples, SR).samples, 100)
    assert np.flatnonzero(high).tolist() == [74]
