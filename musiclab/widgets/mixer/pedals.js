// Hands-free: pedals that send keys, or MIDI where the browser lets a page hear it. What a pedal does can be learned.

import { button, h } from "../shared/dom.js";

const STORE = "musiclab:pedals";       // in the browser: pedals belong to the player's desk, not to a song
const TAKEN = "musiclab:hands-free";   // one desk at a time has the pedals
const ACTIONS = {
  play: "play, pause", start: "back to the start of the loop", loop: "loop on, off", slower: "slower", faster: "faster",
  back: "a bar back", on: "a bar on", next: "next kept loop", previous: "previous kept loop",
};
// Two pedals, in each of the ways that they are sold: page keys, arrows up and down, left and right, Space and Enter.
const USUAL = {
  PageDown: "play", ArrowDown: "play", ArrowRight: "play", Space: "play",
  PageUp: "start", ArrowUp: "start", ArrowLeft: "start", Enter: "start",
};
const NAMES = { PageDown: "Page ↓", PageUp: "Page ↑", ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→" };
const HALF = 64;  // of a MIDI controller's way: from here on a pedal is down

function remembered() {
  try {
    const found = JSON.parse(localStorage.getItem(STORE));
    const known = Object.entries(found ?? USUAL).filter(([, action]) => action in ACTIONS);
    return Object.fromEntries(known);
  } catch {  // no storage here, or something else in it
    return { ...USUAL };
  }
}

function remember(pedals) {
  try {
    localStorage.setItem(STORE, JSON.stringify(pedals));
  } catch {  // they hold until the page is closed
  }
}

/** What a MIDI message is as a pedal going down, such as "CC 64"; "" if it is none. */
export function midiCode([status, first, second]) {
  const kind = status & 0xf0;
  if (kind === 0xb0 && second >= HALF) return `CC ${first}`;
  if (kind === 0x90 && second > 0) return `note ${first}`;
  return kind === 0xc0 ? `program ${first}` : "";
}

const isWriting = (target) => target.isContentEditable || (target.matches?.("input, textarea, select, .cm-content")
  && !["range", "checkbox", "radio", "button"].includes(target.type));

/** The pedals themselves: what is pressed, what it means, what is being learned. Event "change". */
class Pedals extends EventTarget {
  on = false;
  learning = null;   // the action that the next press is for
  said = "";
  #midi = null;
  #life = null;

  constructor(acts) {
    super();
    Object.assign(this, { acts, map: remembered() });
  }

  #changed(said = this.said) {
    this.said = said;
    this.dispatchEvent(new Event("change"));
  }

  turn(on) {
    if (on === this.on) return;
    this.on = on;
    this.learning = null;
    this.#life?.abort();
    if (on) this.#listen();
    this.#changed(on ? "Pedals are heard, wherever you are on this page" : "");
  }

  #listen() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    document.dispatchEvent(new CustomEvent(TAKEN, { detail: this }));
    document.addEventListener(TAKEN, ({ detail }) => { if (detail !== this) this.turn(false); }, { signal });
    document.addEventListener("keydown", (event) => this.#key(event), { signal, capture: true });
  }

  #key(event) {
    if (isWriting(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && this.learning) {
      this.learning = null;
      this.#changed("");
    } else if (["Tab", "Escape", "Shift"].includes(event.key) || !this.press(event.code, event.repeat)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** A pedal went down; true if it meant something. */
  press(code, again = false) {
    if (this.learning) {
      this.map = { ...this.map, [code]: this.learning };
      const said = `${NAMES[code] ?? code}: ${ACTIONS[this.learning]}`;
      this.learning = null;
      remember(this.map);
      this.#changed(said);
      return true;
    }
    const action = this.map[code];
    if (action && !again) this.acts[action]();
    return Boolean(action);
  }

  learn(action) {
    this.turn(true);
    this.learning = this.learning === action ? null : action;
    this.#changed(this.learning ? `Press the key or pedal for “${ACTIONS[action]}” (Esc: none)` : "");
  }

  reset() {
    this.map = { ...USUAL };
    remember(this.map);
    this.#changed("Pedals are as they were at first");
  }

  /** Ask the browser for MIDI: only when somebody clicked for it. */
  async connect() {
    if (!navigator.requestMIDIAccess) {
      this.#changed("This browser gives no page MIDI: a pedal that sends keys works.");
      return;
    }
    try {
      this.#midi = await navigator.requestMIDIAccess({ sysex: false });
    } catch {
      this.#changed("MIDI was refused: allow it for this page in the browser, or use a pedal that sends keys.");
      return;
    }
    this.turn(true);
    this.#midi.onstatechange = () => this.#attach();
    this.#attach();
  }

  #attach() {
    const inputs = [...this.#midi.inputs.values()];
    for (const input of inputs) {
      input.onmidimessage = ({ data }) => {
        const code = midiCode(data);
        if (this.on && code) this.press(code);
      };
    }
    const names = inputs.map(({ name }) => name).join(", ");
    this.#changed(names ? `MIDI from ${names}` : "MIDI is allowed, but nothing is plugged in: plug your pedal in.");
  }

  close() {
    this.turn(false);
    if (!this.#midi) return;
    this.#midi.onstatechange = null;
    for (const input of this.#midi.inputs.values()) input.onmidimessage = null;
  }
}

function createRow(pedals, action, signal) {
  const keys = h("span", { class: "ml-pedal-keys" });
  const learn = button({
    label: `learn ${ACTIONS[action]}`, title: "Then press the key or pedal for it", text: "Learn", class: "ml-chip",
    pressed: "false",
  }, () => pedals.learn(action), signal);
  function update() {
    const codes = Object.keys(pedals.map).filter((code) => pedals.map[code] === action);
    keys.replaceChildren(...codes.map((code) => h("kbd", {}, NAMES[code] ?? code.replace(/^(Key|Digit)/, ""))));
    learn.setAttribute("aria-pressed", pedals.learning === action);
  }
  return { element: h("li", {}, h("span", {}, ACTIONS[action]), keys, learn), update };
}

/** The fold "Pedal"; `acts` says what each action does. */
export function createPedals(acts, signal) {
  const pedals = new Pedals(acts);
  const on = button({
    label: "hands-free", title: "Pedals and keys are heard on the whole page", text: "Hands-free", class: "ml-chip",
    pressed: "false",
  }, () => pedals.turn(!pedals.on), signal);
  const midi = button({
    label: "connect MIDI", title: "Ask the browser to hear MIDI pedals", text: "Connect MIDI", class: "ml-chip",
  }, () => pedals.connect(), signal);
  const reset = button({ label: "usual pedals", text: "As at first", class: "ml-plain" }, () => pedals.reset(), signal);
  const status = h("span", { class: "ml-pedal-status", role: "status" });
  const rows = Object.keys(ACTIONS).map((action) => createRow(pedals, action, signal));
  const element = h("div", { class: "ml-pedals", role: "region", "aria-label": "pedals", hidden: true },
    h("div", { class: "ml-keeps-head" }, on, midi, reset, status),
    h("ul", { "aria-label": "what pedals do" }, ...rows.map((row) => row.element)));
  const opener = button({
    label: "pedals", title: "Hands-free: pedals and MIDI", text: "Pedal", class: "ml-plain ml-fold",
    "aria-expanded": "false",
  }, () => {
    element.hidden = !element.hidden;
    opener.setAttribute("aria-expanded", !element.hidden);
  }, signal);
  function update() {
    on.setAttribute("aria-pressed", pedals.on);
    opener.classList.toggle("ml-on", pedals.on);
    status.textContent = pedals.said;
    for (const row of rows) row.update();
  }
  pedals.addEventListener("change", update);
  signal.addEventListener("abort", () => pedals.close());
  update();
  return { element, opener };
}
