// Slower without getting lower, higher without getting faster: an insert on the sum of all stems.
//
// The sources themselves play at the wanted speed, which also moves their pitch; Signalsmith Stretch then moves the
// pitch back, or to the wanted key. So loops, seeks and the lock of the stems are those of plain playback, and one
// stereo node does for any number of stems. At normal speed and key the sum goes straight through, untouched.

// The stretcher takes the sound apart in blocks. Slowed down, the sources are lower, and a block must be longer to tell
// two low notes apart: at half speed E1 would be 37 cents sharp in blocks of 120 ms, and its sound rough (-23 dB).
const BLOCK = 0.12;  // s of the song

const asModule = (source) => `data:text/javascript,${encodeURIComponent(source)}`;
let factory = null;  // loaded once a page, at the first use

async function stretchFactory(source) {
  factory ??= import(asModule(source)).then((module) => {
    // a data: URL, because pages opened from a file may not load a worklet from a blob: URL
    return Object.assign(module.default, { moduleUrl: asModule(source) });
  });
  return factory;
}

/** By how many semitones the insert must shift, for sources played at `speed` to sound `semitones` from their key. */
export const shiftOf = (speed, semitones) => semitones - 12 * Math.log2(speed);

/**
 * A node that shifts pitch: `shift(semitones, when)`, at once or when a time of the context is heard (one change to
 * come at most); `fit(speed)` for the slowest of the sources to come, which may change `latency` (s). `source` is the
 * text of the library. All frequencies are moved alike, as the sources' speed moved them: its "tonality" would leave
 * the highest behind.
 */
export async function createStretch(context, source) {
  const create = await stretchFactory(source);
  const node = await create(context, { numberOfInputs: 1, numberOfOutputs: 1, outputChannelCount: [2] });
  const stretch = {
    node,
    block: 0,
    latency: 0,
    shift: (semitones, when) => (
      node.schedule({ active: true, semitones, tonalityHz: 0, ...(when === undefined ? {} : { output: when }) })),
    async fit(speed) {
      const block = BLOCK / Math.min(1, speed);
      if (block === stretch.block) return;
      stretch.block = block;
      await node.configure({ blockMs: 1000 * block, splitComputation: block > BLOCK });
      stretch.latency = await node.latency();
    },
  };
  return stretch;
}
