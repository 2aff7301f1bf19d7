// The waves of the part that is seen: from the small picture that came with the page, or, close by, from the sound.

import { toGain } from "../shared/levels.js";

const BEND = 0.6;      // heights are amplitude ** BEND (see waves.py), and a gain bends alike
const NEAR = 8;        // s: a view as short as this is drawn from the sound itself
const GRID = "rgb(128 128 128 / ";

const bend = (amplitude) => Math.sign(amplitude) * Math.abs(amplitude) ** BEND;

/** Lowest, highest and mean height of a column of px from the small picture, in 127ths of a lane. */
function fromPicture(desk, i) {
  const columns = desk.model.get("_columns");
  const waves = desk.model.get("_waves");
  const wave = new Int8Array(waves.buffer, waves.byteOffset + 3 * columns * i, 3 * columns);
  const { duration } = desk;
  return (from, to) => {
    const first = Math.min(Math.floor((from / duration) * columns), columns - 1);
    const last = Math.max(first + 1, Math.floor((to / duration) * columns));
    let [low, high, mean] = [127, -128, 0];
    for (let column = first; column < last; column++) {
      low = Math.min(low, wave[3 * column]);
      high = Math.max(high, wave[3 * column + 1]);
      mean = Math.max(mean, wave[3 * column + 2]);
    }
    return [low, high, mean];
  };
}

/** The same from the decoded sound: every frame is looked at. */
function fromSound(desk, i) {
  const buffer = desk.engine.buffers[i];
  const scale = desk.model.get("_scale");
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, channel) => buffer.getChannelData(channel));
  return (from, to) => {
    const first = Math.min(Math.max(Math.floor(from * buffer.sampleRate), 0), buffer.length - 1);
    const last = Math.min(Math.max(Math.floor(to * buffer.sampleRate), first + 1), buffer.length);
    let [low, high, power] = [Infinity, -Infinity, 0];
    for (const samples of channels) {
      for (let frame = first; frame < last; frame++) {
        const x = samples[frame];
        if (x < low) low = x;
        if (x > high) high = x;
        power += x * x;
      }
    }
    const mean = Math.sqrt(power / (channels.length * (last - first)));
    return [low, high, mean].map((x) => 127 * bend(x / scale));
  };
}

/** One band of a lane as a shape: `tops` and `bottoms` in px from its middle. */
function fillBand(context, tops, bottoms, middle) {
  context.beginPath();
  for (let x = 0; x < tops.length; x++) context.lineTo(x, middle - Math.max(tops[x], bottoms[x] + 1));
  for (let x = tops.length - 1; x >= 0; x--) context.lineTo(x, middle - bottoms[x]);
  context.fill();
}

/** Full colour for the mean level, paler up to the peaks; as tall as the fader says, pale when mute. */
function drawLane(context, { heights, colour, on, gain, middle, half, view }) {
  const { width } = context.canvas;
  const [tops, bottoms, means] = [0, 0, 0].map(() => new Float32Array(width));
  const clip = (height) => Math.min(Math.max(height, -half), half);
  for (let x = 0; x < width; x++) {
    const [low, high, mean] = heights(view.at(x / width), view.at((x + 1) / width));
    tops[x] = clip(high * gain);
    bottoms[x] = clip(low * gain);
    means[x] = mean * gain > 0.5 ? clip(mean * gain) : 0;
  }
  context.fillStyle = colour;
  context.globalAlpha = on ? 0.5 : 0.18;
  context.fillRect(0, Math.round(middle), width, 1);
  context.globalAlpha = on ? 0.42 : 0.14;
  fillBand(context, tops, bottoms, middle);
  context.globalAlpha = on ? 0.9 : 0.1;
  fillBand(context, means, means.map((mean) => -mean), middle);
}

export function drawWaves(canvas, desk, view) {
  const context = canvas.getContext("2d");
  const row = canvas.height / desk.tracks.length;
  const near = view.span <= NEAR && view.t1 <= desk.engine.loaded && desk.engine.buffers.length > 0;
  context.clearRect(0, 0, canvas.width, canvas.height);
  desk.tracks.forEach(({ name, colour }, i) => {
    const half = 0.44 * row;
    drawLane(context, {
      heights: (near ? fromSound : fromPicture)(desk, i), colour, on: desk.audible(name), view, half,
      gain: toGain(desk.gain(name)) ** BEND * (half / 127), middle: (i + 0.5) * row,
    });
  });
  context.globalAlpha = 1;
}

/** Bar lines over the waves, and beats where there is room for them. */
export function drawBeats(canvas, chart, view, ratio) {
  const context = canvas.getContext("2d");
  const { beats, positions } = chart;
  const room = (canvas.width / ratio) * (60 / (chart.tempo ?? 60) / view.span);  // px of a beat
  const line = (seconds, strength) => {
    const x = view.place(seconds) * canvas.width;
    if (x < 0 || x > canvas.width) return;
    context.fillStyle = `${GRID}${strength})`;
    context.fillRect(Math.round(x), 0, Math.max(Math.round(ratio), 1), canvas.height);
  };
  beats.forEach((seconds, i) => {
    if (positions[i] === 1) {
      if (room * chart.beatsPerBar >= 10) line(seconds, 0.42);
    } else if (room >= 14) line(seconds, 0.17);
  });
}
