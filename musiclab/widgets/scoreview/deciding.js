// What a person knows better than what was heard: tempo, metre, where bar one is, key, chords, tablature.

import { checkbox, select } from "../shared/controls.js";
import { button, h, watch } from "../shared/dom.js";

const METRES = ["2/4", "3/4", "4/4", "5/4", "6/8", "7/8", "9/8", "12/8"];
const TONICS = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const MINOR_TONICS = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"];
const KEYS = [...TONICS.map((tonic) => `${tonic} major`), ...MINOR_TONICS.map((tonic) => `${tonic} minor`)];
const TABS = { notes: false, both: true, tab: "alone" };  // what each is called in Python
const STAVES = [
  { name: "notes", label: "Notes" },
  { name: "both", label: "Notes and tablature" },
  { name: "tab", label: "Tablature" },
];

/** A list that also holds what is not among its usual items. */
function listOf(label, usual, onPick, signal) {
  const made = select(label, usual.map((name) => ({ name, label: name })), onPick, signal);
  const element = made.element.querySelector("select");
  return {
    element: made.element,
    update(name) {
      if (![...element.options].some((option) => option.value === name)) element.add(new Option(name || "?", name));
      made.update(name);
    },
  };
}

/** The fold "Bars and key": each choice is an order to Python, and a step that can be undone. */
export function createDeciding(model, { clock, editor }, signal) {
  const decide = (changes) => editor.order("decide", { changes });
  const plain = (label, text, title, act) => button({ label, text, title, class: "ml-chip" }, act, signal);
  const tempo = h("output", { class: "ml-tempo" });
  const metre = listOf("Metre", METRES, (name) => decide({ metre: name.split("/").map(Number) }), signal);
  const key = listOf("Key", KEYS, (name) => decide({ key: name }), signal);
  const chords = checkbox("Chords", (on) => decide({ chords: on }), signal);
  const tab = select("Written as", STAVES, (name) => editor.order("rewrite", { fields: { tab: TABS[name] } }), signal);
  const here = () => {
    const note = editor.notes[editor.selected];
    decide({ bar_one: note ? note[0] : clock.now() });
  };
  const element = h("div", { class: "ml-bar ml-deciding", role: "region", "aria-label": "bars and key", hidden: true },
    h("span", { class: "ml-group", role: "group", "aria-label": "tempo" }, "Tempo", tempo,
      plain("half the tempo", "Half", "Every other beat", () => decide({ tempo: "half" })),
      plain("double the tempo", "Double", "Twice as many beats", () => decide({ tempo: "double" }))),
    metre.element,
    plain("bar one is here", "Bar one is here", "The beat at the chosen note, or at the cursor, begins a bar", here),
    key.element, chords.element, tab.element);
  const opener = button({
    label: "bars and key", title: "Correct tempo, bars, key and chords", text: "Bars and key",
    class: "ml-plain ml-fold", "aria-expanded": "false",
  }, () => {
    element.hidden = !element.hidden;
    opener.setAttribute("aria-expanded", !element.hidden);
  }, signal);
  function update() {
    const now = model.get("_decided");
    tempo.textContent = now.tempo ? `${Math.round(now.tempo)} BPM` : "unknown";
    metre.update(now.metre);
    key.update(now.key);
    chords.input.checked = now.chords;
    tab.update(Object.keys(TABS).find((name) => TABS[name] === (now.tab ?? false)));
    tab.element.hidden = now.tab === null;
    chords.element.hidden = now.drums;
    key.element.hidden = now.drums;
  }
  watch(model, [["change:_decided", update]], signal);
  update();
  return { element, opener };
}
