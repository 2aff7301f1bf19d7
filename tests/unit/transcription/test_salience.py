"""How far partials stand out of the spectrum around them, and how that is looked up."""

import numpy as np

from musiclab.theory import midi_to_hz
from musiclab.transcription.posteriorgram import HOP, LOWEST, SR
from musiclab.transcription.salience import BINS, BINS_PER_KEY, near, standing_out


def test_a_third_of_a_semitone_beside_counts_and_further_does_not():
    spectrum = np.zeros((4, BINS), np.float16)
    spectrum[2, 100] = 0.75
    rows = np.full((1, 1), 2)
    assert near(spectrum, rows, np.array([[98, 99, 100, 101, 102]])).tolist() == [[0.0, 0.75, 0.75, 0.75, 0.0]]


def test_beyond_the_last_bin_nothing_stands_out_and_beyond_the_last_column_it_stays():
    spectrum = np.full((3, BINS), 0.5, np.float16)
    spectrum[0], spectrum[2] = 0.25, 1.0
    found = near(spectrum, np.array([[-7], [1], [99]]), np.array([-1, 0, BINS - 1, BINS]))
    assert found.tolist() == [[0.0, 0.25, 0.25, 0.0], [0.0, 0.5, 0.5, 0.0], [0.0, 1.0, 1.0, 0.0]]


def test_the_partials_of_a_tone_stand_out_and_what_lies_between_them_does_not():
    t = np.arange(2 * SR) / SR
    tone = sum(np.sin(2 * np.pi * k * midi_to_hz(45) * t) for k in (1, 2, 3)) * 0.1
    noise = np.random.default_rng(0).normal(0, 1e-3, len(t))
    spectrum = standing_out(tone + noise, SR, HOP, len(t) // HOP, LOWEST)
    key = (45 - LOWEST) * BINS_PER_KEY + 1
    bins = key + np.rint(12 * BINS_PER_KEY * np.log2([1, 2, 3, 1.5, 2.5])).astype(int)
    found = near(spectrum, np.array([[len(spectrum) // 2]]), bins)[0]
    assert found[:3].min() > found[3:].max() + 0.2
