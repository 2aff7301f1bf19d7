// Slower without getting lower, higher without getting faster: an insert on the sum of all stems.
//
// The sources themselves play at the wanted speed, which also moves their pitch; Signalsmith Stretch then moves the
// pitch back, or to the wanted key. So loops, seeks and the lock of the stems are those of plain playback, and one
// stereo node does for any number of stems. At normal speed and key the sum goes straight through, untouched.

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

/** A node that shifts pitch: `shift(semitones)`, `latency` in seconds. `source` is the text of the library. */
export async function createStretch(context, source) {
  const create = await stretchFactory(source);
  const node = await create(context, { numberOfInputs: 1, numberOfOutputs: 1, outputChannelCount: [2] });
  const latency = await node.latency();
  return {
    node,
    latency,
    shift: (semitones) => node.schedule({ active: true, semitones }),
    rest: () => node.stop(),
    end: () => node.disconnect(),
  };
}
