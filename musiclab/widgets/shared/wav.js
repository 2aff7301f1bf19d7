// WAV files, written in the page.

const HEAD = 44;   // bytes before the samples
const BYTES = 3;   // of a sample: 24 bits, as Python's jobs write them
const FULL = 2 ** 23 - 1;

const put = (view, at, text) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));

/** An AudioBuffer as the bytes of a WAV file of 24 bits. */
export function wavOf(buffer) {
  const { length, numberOfChannels: channels, sampleRate } = buffer;
  const size = length * channels * BYTES;
  const view = new DataView(new ArrayBuffer(HEAD + size + (size % 2)));
  put(view, 0, "RIFF");
  view.setUint32(4, view.byteLength - 8, true);
  put(view, 8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);  // PCM
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels * BYTES, true);
  view.setUint16(32, channels * BYTES, true);
  view.setUint16(34, 8 * BYTES, true);
  put(view, 36, "data");
  view.setUint32(40, size, true);
  for (let channel = 0; channel < channels; channel++) {
    const samples = buffer.getChannelData(channel);
    for (let n = 0, at = HEAD + channel * BYTES; n < length; n++, at += channels * BYTES) {
      const value = Math.round(Math.max(-1, Math.min(1, samples[n])) * FULL);
      view.setUint8(at, value & 255);
      view.setInt16(at + 1, value >> 8, true);
    }
  }
  return view.buffer;
}
