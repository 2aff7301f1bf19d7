// The row "Save": what is heard, or each stem, as files. Python renders and writes them, at the stems' own rate; a page
// without a kernel renders for itself, what it would play, and offers WAV files to keep.

import { answers, button, h } from "../shared/dom.js";
import { choice, select } from "../shared/controls.js";
import { toGain } from "../shared/levels.js";
import { wavOf } from "../shared/wav.js";

const WHAT = [{ name: "heard", label: "As heard" }, { name: "each", label: "Each stem" }];
const SPANS = [{ name: "loop", label: "the loop" }, { name: "whole", label: "the whole song" }];
const FORMATS = [{ name: "wav", label: "WAV" }, { name: "flac", label: "FLAC" }, { name: "mp3", label: "MP3" }];

function download(bytes, name) {
  const url = URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** What the page renders, each as a name and the levels that it sounds at; the desk's own for what is heard. */
function takes(desk, each) {
  if (!each) return [{ name: "as heard" }];
  const silent = desk.tracks.map(() => 0);
  const stems = desk.tracks.map(({ name }, i) => ({ name, levels: { gains: silent.with(i, 1), master: 1, click: 0 } }));
  const level = toGain(desk.model.get("click_db") ?? -Infinity);
  const click = { name: "click", levels: { gains: silent, master: 1, click: level } };
  const { ticks, countIn } = desk.engine.practice;
  return ticks.length || countIn ? [...stems, click] : stems;
}

async function renderHere(desk, { each, whole }, { show, signal }) {
  const plan = whole ? { place: 0, loop: null } : {};
  const list = takes(desk, each);
  for (const [i, { name, levels }] of list.entries()) {
    const onProgress = (share) => show({ share: (i + share) / list.length, text: `rendering ${name}` });
    const sound = await desk.engine.perform({ ...plan, ...(levels && { levels }), onProgress, signal });
    if (sound === null) return show({ text: "" });
    download(wavOf(sound), `${desk.model.get("_title")} (${name}).wav`);
  }
  return show({ text: `${list.length === 1 ? "Saved" : `${list.length} files saved`} by this browser` });
}

export function createSaving(desk, signal) {
  const { model } = desk;
  const here = !answers(model);
  let [what, stopped] = ["heard", null];
  const kind = choice("what to save", WHAT, (name) => {
    what = name;
    kind.update(name);
  }, signal);
  kind.update(what);
  const span = select("of", SPANS, () => {}, signal);
  const format = select("as", here ? FORMATS.slice(0, 1) : FORMATS, () => {}, signal);
  const save = button({
    label: "save", title: "At the speed and in the key that are set, with click and count-in", class: "ml-chip",
    text: "Save",
  }, () => start(), signal);
  const stop = button({ label: "stop saving", class: "ml-plain", text: "Stop" }, () => {
    stopped?.abort();
    if (!here) model.send({ order: "stop-saving" });
  }, signal);
  const bar = h("progress", { max: 1, value: 0, "aria-label": "saving" });
  const text = h("span", { role: "status", "aria-label": "saved" });
  const element = h("div", { class: "ml-practice-row", role: "group", "aria-label": "Save" },
    h("span", { class: "ml-caption" }, "Save"), kind.element, span.element, format.element, save, bar, stop, text);

  function show(state) {
    const busy = "share" in state;
    save.setAttribute("aria-disabled", busy);
    bar.hidden = stop.hidden = !busy;
    bar.value = state.share ?? 0;
    text.textContent = state.text ?? "";
    text.classList.toggle("ml-wrong", Boolean(state.failed));
  }
  function start() {
    if (save.getAttribute("aria-disabled") === "true" || !desk.engine.complete) return;
    const order = { each: what === "each", whole: desk.loop === null || span.value === "whole", format: format.value };
    stopped = new AbortController();
    show({ share: 0, text: "rendering" });
    if (!here) model.send({ order: "save", ...order });
    else renderHere(desk, order, { show, signal: AbortSignal.any([signal, stopped.signal]) })
      .catch((error) => show({ failed: true, text: `It could not be saved: ${error.message}` }));
  }
  function update(get) {
    span.element.hidden = desk.loop === null;
    if (!here) show(get("_saving") ?? {});
  }
  show({});
  return { element, update };
}
