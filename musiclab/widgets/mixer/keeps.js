// Loops and mixes that are kept, each with a name and a note. Where they are stored is the model's affair: here they
// are its trait `keeps`.

import { button, h } from "../shared/dom.js";
import { formatTime } from "../shared/levels.js";

const seconds = (time) => formatTime(time).slice(0, -2);

/** What an entry is, in a few words: "bars 5–8, 70 %". */
function aboutOf({ loop, speed, semitones, mix }, chart) {
  if (mix) return "mix";
  const key = semitones > 0 ? `+${semitones}` : `${semitones}`.replace("-", "−");
  const words = [chart.barsOf(loop) || `${seconds(loop[0])}–${seconds(loop[1])}`];
  if (speed !== 1) words.push(`${Math.round(100 * speed)} %`);
  if (semitones) words.push(key);
  return words.join(", ");
}

/** What is kept, and what is done with it. Told by the desk's event "keeps". */
class Keeps {
  dropped = null;  // what was taken away last, and from where

  constructor(desk) { this.desk = desk; }

  get list() { return this.desk.model.get("keeps") ?? []; }
  #put(list) { this.desk.set({ keeps: list }); }

  /** A name that is not taken: "Verse", "Verse 2". */
  #free(name) {
    const taken = new Set(this.list.map((entry) => entry.name));
    for (let n = 1; ; n++) if (!taken.has(n === 1 ? name : `${name} ${n}`)) return n === 1 ? name : `${name} ${n}`;
  }

  addLoop() {
    const { loop, speed, semitones, chart } = this.desk;
    if (!loop) return false;
    const section = chart.sectionAt((loop[0] + loop[1]) / 2);
    const name = this.#free(section ? `${this.desk.sectionName(section)}, ${chart.barsOf(loop)}`.replace(/, $/, "")
      : `${seconds(loop[0])}–${seconds(loop[1])}`);
    this.#put([...this.list, { name, note: "", loop, speed, semitones, mix: null }]);
    return true;
  }

  addMix() {
    const mix = Object.fromEntries(["gains_db", "muted", "soloed", "master_db"].map((name) =>
      [name, this.desk.model.get(name)]));
    this.#put([...this.list, { name: this.#free("Mix"), note: "", loop: null, speed: 1, semitones: 0, mix }]);
    return true;
  }

  use(entry) {
    const { desk } = this;
    if (entry.loop) {
      desk.set({ loop: entry.loop, speed: entry.speed, semitones: entry.semitones });
      desk.seek(entry.loop[0]);
    }
    if (!entry.mix) return;
    const names = new Set(desk.tracks.map(({ name }) => name));  // another engine may have had others
    const known = (list) => list.filter((name) => names.has(name));
    const gains = Object.fromEntries([...names].map((name) => [name, entry.mix.gains_db[name] ?? null]));
    for (const name of names) if (!(name in entry.mix.gains_db)) gains[name] = 0;
    desk.set({ gains_db: gains, muted: known(entry.mix.muted), soloed: known(entry.mix.soloed),
      master_db: entry.mix.master_db });
  }

  change(index, values) {
    this.#put(this.list.map((entry, i) => (i === index ? { ...entry, ...values } : entry)));
  }

  drop(index) {
    this.dropped = { index, entry: this.list[index] };
    this.#put(this.list.filter((_, i) => i !== index));
  }

  restore() {
    const { index, entry } = this.dropped;
    this.dropped = null;
    this.#put(this.list.toSpliced(index, 0, entry));
  }

  /** The next kept loop after the one that is set, or the one before. */
  step(by) {
    const loops = this.list.filter(({ loop }) => loop);
    if (!loops.length) return;
    const same = ({ loop }) => JSON.stringify(loop) === JSON.stringify(this.desk.loop);
    const at = loops.findIndex(same);
    this.use(loops[at < 0 ? (by > 0 ? 0 : loops.length - 1) : (at + by + loops.length) % loops.length]);
  }
}

/** One line: use it, its name, its note, take it away. */
function createRow(keeps, index, signal) {
  const entry = () => keeps.list[index];
  const about = aboutOf(entry(), keeps.desk.chart);
  const field = (name, placeholder) => {
    const input = h("input", { class: `ml-keep-${name}`, "aria-label": `${name} of ${about}`, placeholder });
    input.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();  // letters are letters here
      if (event.key === "Enter") input.blur();
    }, { signal });
    input.addEventListener("change", () => {
      const value = input.value.trim() || (name === "name" ? entry().name : "");
      keeps.change(index, { [name]: value });
    }, { signal });
    return input;
  };
  const fields = { name: field("name", "name"), note: field("note", "a note: left hand, slowly") };
  const use = button({ label: about, title: "Set the desk so", text: about, class: "ml-chip" },
    () => keeps.use(entry()), signal);
  const drop = button({ label: "take away", text: "×", class: "ml-icon" }, () => keeps.drop(index), signal);
  function update() {
    const { name } = entry();
    use.setAttribute("aria-label", `use ${name}: ${about}`);
    drop.setAttribute("aria-label", `take away ${name}`);
    for (const [key, input] of Object.entries(fields)) input.value = entry()[key];
  }
  return { element: h("li", { class: "ml-keep" }, use, fields.name, fields.note, drop), update, fields };
}

export function createKeeps(desk, signal) {
  const keeps = new Keeps(desk);
  const list = h("ul", { "aria-label": "kept loops and mixes" });
  const empty = h("p", { class: "ml-keeps-empty" },
    "Set a loop and keep it: it is here again when you open this song the next time.");
  const plain = (label, title, act) => button({ label, text: label, title, class: "ml-chip" }, act, signal);
  let naming = false;
  const add = (kind) => {
    open(true);
    naming = true;
    if (!keeps[kind]()) naming = false;
  };
  const loop = plain("Keep this loop", "Keep the loop with its speed and key (K)", () => add("addLoop"));
  const mix = plain("Keep this mix", "Keep faders, mutes and solos", () => add("addMix"));
  const back = plain("Undo", "Bring back what was taken away", () => keeps.restore());
  const head = h("div", { class: "ml-keeps-head" }, loop, mix, back);
  const element = h("div", { class: "ml-keeps", role: "region", "aria-label": "loops and mixes", hidden: true },
    head, list, empty);
  function open(yes) {
    element.hidden = !yes;
    opener.setAttribute("aria-expanded", yes);
  }
  const opener = button({
    label: "loops and mixes", title: "Loops and mixes that are kept", text: "Loops", class: "ml-plain ml-fold",
    "aria-expanded": "false",
  }, () => open(element.hidden), signal);
  let rows = [];
  let shape = "";  // of the list but for names and notes: while it is the same, the fields stay where they are
  function update() {
    const now = JSON.stringify(keeps.list.map((entry) => aboutOf(entry, desk.chart)));
    if (now !== shape) {
      rows = keeps.list.map((_, index) => createRow(keeps, index, signal));
      list.replaceChildren(...rows.map((row) => row.element));
      shape = now;
    }
    for (const row of rows) row.update();
    empty.hidden = rows.length > 0;
    back.hidden = keeps.dropped === null;
    opener.textContent = rows.length ? `Loops (${rows.length})` : "Loops";
    if (!naming) return;
    naming = false;
    rows.at(-1).fields.name.focus();
    rows.at(-1).fields.name.select();
  }
  const updateLoop = () => { loop.disabled = desk.loop === null; };
  const keys = { k: () => add("addLoop"), n: () => keeps.step(1), p: () => keeps.step(-1) };
  return { element, opener, update, updateLoop, keys, keeps };
}
