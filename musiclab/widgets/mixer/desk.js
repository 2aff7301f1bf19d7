// One mixing desk for each Python model, however many views show it: it keeps the traits and the engine in step.

import { Engine } from "../shared/engine.js";
import { Chart } from "../shared/chart.js";
import { offerClock } from "../shared/clock.js";
import { watch } from "../shared/dom.js";
import { feed } from "../shared/feed.js";
import { Practice } from "../shared/practice.js";

const STREAM = 50;      // ms: while something is dragged, Python hears of it 20 times a second
const REPORT = 250;     // ms between two reports of the position
const MIX = ["gains_db", "muted", "soloed", "master_db", "click_db"];
const PRACTICE = {  // traits by what Practice calls them
  click: "click", division: "click_division", accents: "click_accents", countIn: "count_in",
  everyRound: "count_in_rounds", rest: "rest", trainer: "trainer",
};

/**
 * Events: "mix" (levels), "loop", "pace" (speed, key), "practice", "chart", "names" (of sections), "keeps", "sound"
 * (loading); and the engine's "state", "round", "waiting" and "reduction".
 */
export class Desk extends EventTarget {
  #views = 0;
  #ours = false;       // a change of a trait comes from here, not from Python
  #unsaved = false;
  #saving = null;
  #reporting = null;
  #life = null;
  #chart = null;
  engine = null;
  error = "";
  snapping = true;     // loops keep to the bars

  constructor(model) {
    super();
    this.model = model;
  }

  get tracks() { return this.model.get("_tracks"); }
  get presets() { return this.model.get("_presets"); }
  get duration() { return this.model.get("_duration"); }
  get master() { return this.model.get("master_db") ?? -Infinity; }
  get speed() { return this.model.get("speed"); }
  get semitones() { return this.model.get("semitones"); }
  get loop() { return this.model.get("loop"); }

  /** What is known of the song's time: see `Chart`. Event "chart" when it comes. */
  get chart() { return this.#chart ??= new Chart(this.model.get("chart"), this.duration); }

  /** Whether an end of a loop goes to the nearest bar line: the button says so, and Alt says the contrary. */
  keepsToBars({ altKey = false } = {}) { return this.chart.known && this.snapping !== altKey; }

  /** A loop by the bars that it touches, unless it need not keep to them. */
  snapped([from, to], event) {
    if (!this.keepsToBars(event)) return [from, to];
    const [a, b] = [this.chart.snap(from), this.chart.snap(to)];
    if (a < b) return [a, b];
    const bar = this.chart.barAt((from + to) / 2);
    return bar ? [bar.start, bar.end] : [from, to];
  }

  /** The names that sections were given: by where they begin. A new name goes to all alike that have none yet. */
  get #names() { return this.model.get("section_names") ?? {}; }
  sectionName([from, , letter]) { return this.#names[from.toFixed(2)] ?? letter; }
  nameSection([from, , letter], name) {
    const names = { ...this.#names };
    const key = from.toFixed(2);
    const alike = this.chart.sections.filter(([, , other]) => other === letter).map(([start]) => start.toFixed(2));
    const wanted = key in names ? [key] : alike.filter((other) => !(other in names));
    for (const other of wanted) {
      if (name && name !== letter) names[other] = name;
      else delete names[other];
    }
    this.#put({ section_names: names });
  }

  gain(name) { return this.model.get("gains_db")[name] ?? -Infinity; }
  muted(name) { return this.model.get("muted").includes(name); }
  soloed(name) { return this.model.get("soloed").includes(name); }
  audible(name) { return !this.muted(name) && (this.model.get("soloed").length === 0 || this.soloed(name)); }

  /** A view came. The first one brings the engine to life. */
  acquire() {
    if (this.#views++ > 0) return;
    this.#life = new AbortController();
    this.#chart = null;
    const { signal } = this.#life;
    const [clock, library] = ["clock", "_stretch"].map((name) => this.model.get(name));
    const engine = this.engine = new Engine(this.duration, { library, group: clock });
    for (const type of ["state", "round", "reduction", "waiting"]) {
      engine.addEventListener(type, ({ detail }) => this.#tell(type, detail), { signal });
    }
    engine.addEventListener("state", () => this.#follow(), { signal });
    engine.addEventListener("round", () => this.#report(), { signal });
    engine.addEventListener("unpaced", () => this.#unpaced(), { signal });
    offerClock(clock, engine, (order) => this.#obey(order), signal);
    for (const name of ["speed", "semitones"]) this.#watch(name, () => this.#paced());
    for (const name of MIX) this.#watch(name, () => this.#mixed());
    for (const name of Object.values(PRACTICE)) this.#watch(name, () => this.#practised(name === "trainer"));
    this.#watch("loop", () => {
      engine.setLoop(this.loop);
      this.#tell("loop");
    });
    this.#watch("position", () => { if (!this.#ours) engine.seek(this.model.get("position")); });
    this.#watch("playing", () => { if (!this.#ours) this.#setPlaying(this.model.get("playing")); });
    this.#watch("_error", () => this.#tell("sound"));
    this.#watch("section_names", () => this.#tell("names"));
    this.#watch("keeps", () => this.#tell("keeps"));
    this.#watch("_message", () => this.#tell("sound"));
    this.#watch("_saving", () => this.#tell("practice"));
    for (const name of ["chart", "_charting"]) {
      this.#watch(name, () => {
        this.#chart = null;
        this.#practised();
        this.#tell("chart");
      });
    }
    engine.seek(this.model.get("position"));
    engine.setLoop(this.loop);
    this.#mixed();
    this.#practised();
    this.#paced();
    feed(this.model, engine, { onChange: () => this.#came(), onError: (text) => this.#failed(text) }, signal);
  }

  /** A view went. With the last one the sound ends and nothing keeps listening. */
  release() {
    if (--this.#views > 0) return;
    if (this.engine.playing) this.engine.pause();
    this.#life.abort();
    clearInterval(this.#reporting);
    if (this.#unsaved) this.save();
    this.#reporting = null;
    this.engine.close();
    this.engine = null;
  }

  #watch(name, handler) { watch(this.model, [[`change:${name}`, handler]], this.#life.signal); }

  #tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  #mixed() {
    const levels = this.tracks.map(({ name }) => (this.audible(name) ? this.gain(name) : -Infinity));
    this.engine.setLevels(levels, this.master, this.model.get("click_db") ?? -Infinity);
    this.#tell("mix");
  }

  /** Settings of the practice as they stand; with a new trainer it begins at its first round. */
  #practised(anew = false) {
    const settings = Object.entries(PRACTICE).map(([name, trait]) => [name, this.model.get(trait)]);
    if (anew) this.engine.round = 0;
    this.engine.setPractice(new Practice(Object.fromEntries(settings), this.chart.known ? this.chart : null));
    this.#tell("practice");
  }

  #paced() {
    this.engine.setPace(this.speed, this.semitones);
    this.#tell("pace");
  }

  #unpaced() {
    this.#put({ speed: 1, semitones: 0, trainer: null });
    this.#failed("Another speed or key needs https, or a notebook on this machine.");
  }

  // --- sound

  get progress() { return this.engine.loaded / this.duration; }

  #came() {
    this.error = "";
    this.#tell("sound");
    const { engine } = this;
    if (this.model.get("playing") && !engine.playing) engine.play();
  }

  #failed(text) {
    this.error = text;
    this.#tell("sound");
  }

  #setPlaying(playing) {
    if (!playing) this.engine.pause();
    else if (this.engine.ready) this.engine.play();
  }

  #obey({ seek, playing, loop }) {
    if (loop !== undefined) this.setLoop(loop);
    if (seek !== undefined) this.seek(seek);
    if (playing !== undefined && this.engine.ready) this.#setPlaying(playing);
  }

  // Python follows the engine: at once when it starts or stops, and now and then while it plays.
  #follow() {
    const { playing } = this.engine;
    if (playing && this.#reporting === null) this.#reporting = setInterval(() => this.#report(), REPORT);
    if (!playing && this.#reporting !== null) this.#reporting = clearInterval(this.#reporting) ?? null;
    const waitsForSound = this.model.get("playing") && !this.engine.ready;
    if (playing !== this.model.get("playing") && !waitsForSound) {
      this.#put({ playing, position: this.engine.position });
    }
  }

  #report() {
    this.engine.dispatchEvent(new Event("tick"));
    const { position, round } = this.engine;
    if (position !== this.model.get("position") || round !== this.model.get("round")) this.#put({ position, round });
  }

  // --- what a person does

  #put(values, { stream = false } = {}) {
    this.#ours = true;
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.#ours = false;
    this.#unsaved = true;
    if (!stream) this.save();
    else this.#saving ??= setTimeout(() => this.save(), STREAM);
  }

  /** Tell Python, once; the end of a drag calls it for the last value. */
  save() {
    clearTimeout(this.#saving);
    this.#saving = null;
    if (!this.#unsaved) return;
    this.#unsaved = false;
    this.model.save_changes();
  }

  /** Set traits by name: `{click: true}`. */
  set(values, options) { this.#put(values, options); }

  setGain(name, db, options) {
    this.#put({ gains_db: { ...this.model.get("gains_db"), [name]: db === -Infinity ? null : db } }, options);
  }

  setMaster(db, options) { this.#put({ master_db: db === -Infinity ? null : db }, options); }

  #toggled(list, name) {
    const names = this.model.get(list);
    const wanted = names.includes(name) ? names.filter((other) => other !== name) : [...names, name];
    return this.tracks.map((track) => track.name).filter((other) => wanted.includes(other));
  }

  toggleMute(name) { this.#put({ muted: this.#toggled("muted", name) }); }

  /** Solo adds to other solos; `alone` takes its place. */
  toggleSolo(name, { alone = false } = {}) {
    const only = alone && !(this.soloed(name) && this.model.get("soloed").length === 1);
    this.#put({ soloed: only ? [name] : alone ? [] : this.#toggled("soloed", name) });
  }

  #flat() { return Object.fromEntries(this.tracks.map(({ name }) => [name, 0])); }

  usePreset({ muted, soloed }) { this.#put({ gains_db: this.#flat(), muted, soloed }); }

  isPreset({ muted, soloed }) {
    const same = (a, b) => a.length === b.length && a.every((name) => b.includes(name));
    return same(this.model.get("muted"), muted) && same(this.model.get("soloed"), soloed)
      && this.tracks.every(({ name }) => this.gain(name) === 0);
  }

  reset() {
    const still = { muted: [], soloed: [], master_db: 0, loop: null, speed: 1, semitones: 0, trainer: null };
    this.#put({ gains_db: this.#flat(), ...still });
  }

  /** From and to of "speed" (a factor) or "semitones". */
  limits(name) { return this.model.get("_pace")[name]; }

  #within(name, value) {
    const [low, high] = this.limits(name);
    return Math.min(Math.max(value, low), high);
  }

  /** In steps of a hundredth. */
  setSpeed(speed) { this.#put({ speed: Math.round(this.#within("speed", speed) * 100) / 100 }); }
  setSemitones(semitones) { this.#put({ semitones: this.#within("semitones", semitones) }); }

  setLoop(loop, options) { this.#put({ loop }, options); }

  seek(seconds, options) {
    this.engine.seek(seconds);
    this.#put({ position: this.engine.position }, options);
  }

  togglePlay() {
    if (!this.engine.ready) return;
    if (this.engine.playing) this.engine.pause();
    else this.engine.play();
  }

  /** Back to the start, silent. */
  stop() {
    const start = this.loop?.[0] ?? 0;
    if (!this.engine.playing) {
      this.engine.round = 0;
      return this.seek(start);
    }
    this.engine.seek(start);
    this.engine.pause();
    this.engine.round = 0;
    return this.#report();
  }
}
