// What is heard, computed rather than played.

import { buildDesk } from "./graph.js";
import { limiterDelay } from "./limiter.js";

/**
 * Buffers from the second `start` on, through faders, mutes, master and limiter: an AudioBuffer of `duration` seconds,
 * aligned to the sample.
 */
export async function rendered(buffers, levels, start, duration) {
  const { sampleRate } = buffers[0];
  const delay = limiterDelay(sampleRate);
  const frames = Math.round(duration * sampleRate);
  const context = new OfflineAudioContext(2, frames + delay, sampleRate);
  const desk = await buildDesk(context, levels);
  buffers.forEach((buffer, i) => {
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(desk.inputs[i]);
    source.start(0, start);
  });
  const sound = await context.startRendering();
  const out = new AudioBuffer({ length: frames, numberOfChannels: 2, sampleRate });
  const skip = desk.limiter ? delay : 0;
  for (const channel of [0, 1]) out.copyToChannel(sound.getChannelData(channel).subarray(skip, skip + frames), channel);
  return out;
}
