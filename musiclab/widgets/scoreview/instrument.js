// On which instrument the written notes are heard: a simple tone, or one of the 128 of General MIDI.

import { bytesOf, h, watch } from "../shared/dom.js";

const FAMILIES = ["Piano", "Mallets", "Organ", "Guitar", "Bass", "Strings", "Ensemble", "Brass", "Reed", "Pipe",
  "Synth lead", "Synth pad", "Synth effects", "World", "Percussive", "Effects"];  // eight programs each

export function createInstrument(model, audition, signal) {
  const names = model.get("_instruments");
  const groups = FAMILIES.map((family, i) => {
    const group = h("optgroup", { label: family });
    group.append(...names.slice(8 * i, 8 * i + 8).map((name) => new Option(name, name)));
    return group;
  });
  const element = h("select", {
    class: "ml-instrument", "aria-label": "instrument of the written notes",
    title: "What the written notes are heard on",
  }, new Option(model.get("_drums") ? "Simple kit" : "Simple tone", ""), ...groups);
  element.addEventListener("change", () => {
    model.set("instrument", element.value);
    model.save_changes();
  }, { signal });
  async function update() {
    element.value = model.get("instrument");
    const kit = model.get("_kit");
    if (!model.get("instrument") || !kit?.byteLength) {
      audition.kit = null;
      return;
    }
    const decoder = new OfflineAudioContext(1, 1, 44100);
    const buffer = await decoder.decodeAudioData(bytesOf(kit).slice().buffer);
    const [pitches, spacing] = ["_kit_pitches", "_kit_spacing"].map((name) => model.get(name));
    if (!signal.aborted) audition.kit = { buffer, pitches, spacing };
  }
  watch(model, [["change:_kit", update], ["change:instrument", update]], signal);
  update();
  return element;
}
