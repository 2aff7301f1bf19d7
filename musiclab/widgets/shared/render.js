// What is heard, computed rather than played.

import { buildDesk } from "./graph.js";
import { createLimiter, limiterDelay } from "./limiter.js";
import { Run } from "./run.js";
import { createStretch } from "./stretch.js";

const LOOK = 100;  // ms between two looks at how far it is

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
  return cut(await context.startRendering(), desk.limiter ? delay : 0, frames);
}

/** A buffer of both channels, `frames` long, from a frame of `sound` on. */
function cut(sound, skip, frames) {
  const out = new AudioBuffer({ length: frames, numberOfChannels: 2, sampleRate: sound.sampleRate });
  for (const channel of [0, 1]) out.copyToChannel(sound.getChannelData(channel).subarray(skip, skip + frames), channel);
  return out;
}

async function watched(context, frames, onFrames) {
  const look = () => onFrames(Math.min(Math.round(context.currentTime * context.sampleRate), frames));
  const timer = setInterval(look, LOOK);
  try {
    return await context.startRendering();
  } finally {
    clearInterval(timer);
  }
}

/** One course with what leads to it, before the limiter. `late`: frames by which the stretcher delays. */
async function coursed({ buffers, levels, semitones, ticks, fitted, late }, course, onFrames) {
  const { sampleRate } = buffers[0];
  const begin = course.at - course.lead;
  const frames = Math.round(course.end * sampleRate) - Math.round(begin * sampleRate);
  const wet = course.stretched || semitones !== 0;
  const skip = wet ? late : 0;
  const context = new OfflineAudioContext(2, frames + skip, sampleRate);
  const desk = await buildDesk(context, levels, { limited: false });
  const stretch = wet ? await fitted(context) : null;
  if (stretch) desk.master.connect(stretch.node).connect(desk.wet);
  const relative = {
    ...course, at: course.lead, end: course.end - begin,
    counts: course.counts.map(({ when, kind }) => ({ when: when - begin, kind })),
  };
  const run = new Run(desk, { buffers, stretch, semitones, ticks }, [relative].values(), { when: 0 });
  run.schedule(Infinity);
  await stretch?.node.latency();  // it has heard of its shift once it has answered
  return cut(await watched(context, frames, onFrames), skip, frames);
}

async function limited(sound) {
  const { sampleRate, length } = sound;
  const delay = limiterDelay(sampleRate);
  const context = new OfflineAudioContext(2, length + delay, sampleRate);
  const limiter = await createLimiter(context);
  if (!limiter) return sound;
  const source = new AudioBufferSourceNode(context, { buffer: sound });
  source.connect(limiter).connect(context.destination);
  source.start();
  return cut(await context.startRendering(), delay, length);
}

function upTo(all, until) {
  const courses = [];
  for (const course of all) {
    courses.push({ ...course, end: Math.min(course.end, until) });
    if (course.end >= until) break;
  }
  return courses;
}

/**
 * Courses (see practice.js) one after the other, as they are heard, to the second `until`; null once `signal` is
 * aborted. `sound` is {buffers, levels, library, semitones, ticks}.
 */
export async function performed(sound, all, { until = Infinity, onProgress = () => {}, signal } = {}) {
  const courses = upTo(all, until);
  const { sampleRate } = sound.buffers[0];
  const slowest = Math.min(...courses.map(({ speed }) => speed));
  const fitted = async (context) => {
    const stretch = await createStretch(context, sound.library);
    await stretch.fit(slowest);
    return stretch;
  };
  const wet = sound.semitones !== 0 || courses.some(({ stretched }) => stretched);
  const late = wet ? Math.round((await fitted(new OfflineAudioContext(2, 1, sampleRate))).latency * sampleRate) : 0;
  const length = Math.round(courses.at(-1).end * sampleRate);
  const out = new AudioBuffer({ length, numberOfChannels: 2, sampleRate });
  let done = 0;
  for (const course of courses) {
    const before = done;
    const onFrames = (frames) => onProgress((before + frames) / length);
    const piece = await coursed({ ...sound, fitted, late }, course, onFrames);
    if (signal?.aborted) return null;
    for (const channel of [0, 1]) out.copyToChannel(piece.getChannelData(channel), channel, done);
    done += piece.length;
  }
  return limited(out);
}
