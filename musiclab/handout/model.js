// What stands behind a widget where there is no Jupyter: a model with the traits that Python left, and no Python.
//
// It does what anywidget's model does for a front-end: `get`, `set`, `on`, `off`, `save_changes`, `send`. What a person
// changes stays in this browser; orders that only Python could carry out are not given (see `answers` in dom.js), but
// for files that were made beforehand.

const same = (a, b) => a === b || (!ArrayBuffer.isView(a) && JSON.stringify(a) === JSON.stringify(b));
const PASSING = ["position", "playing", "round", "clock"];  // where a widget is, not how it is set
const isKept = (name) => !name.startsWith("_") && !PASSING.includes(name);

export class Model {
  #state;
  #handlers = new Map();
  #unsaved = {};
  #kept;
  #ready;
  kernel = false;  // nobody answers

  /** `kept` is a `Shelf` for what is set by hand, if it is to stay; `files` are bytes by format, for "export". */
  constructor(state, { kept = null, files = {} } = {}) {
    this.#kept = kept;
    this.#ready = files;
    this.files = Object.keys(files);
    const before = Object.entries(kept?.all() ?? {}).filter(([name]) => isKept(name) && name in state);
    this.#state = { ...state, ...Object.fromEntries(before) };
  }

  get(name) { return this.#state[name]; }

  set(name, value) {
    if (typeof name === "object") {
      for (const [key, inner] of Object.entries(name)) this.set(key, inner);
      return;
    }
    if (same(this.#state[name], value)) return;
    this.#state[name] = value;
    this.#unsaved[name] = value;
    this.#tell(`change:${name}`, value);
  }

  /** As when Python sets traits. */
  receive(values) {
    Object.assign(this.#state, values);
    for (const [name, value] of Object.entries(values)) this.#tell(`change:${name}`, value);
  }

  on(type, handler) { this.#handlers.set(type, [...(this.#handlers.get(type) ?? []), handler]); }

  off(type, handler) {
    this.#handlers.set(type, (this.#handlers.get(type) ?? []).filter((other) => handler && other !== handler));
  }

  save_changes() {
    const changed = this.#unsaved;
    this.#unsaved = {};
    for (const [name, value] of Object.entries(changed)) if (isKept(name)) this.#kept?.put(name, value);
    if ("_format" in changed) {
      this.receive({ _error: "This browser can't play the sound of this page: a newer one can." });
    }
  }

  send({ order, format }) {
    const file = order === "export" && this.#ready[format];
    if (file) this.#tell("msg:custom", { file: `${this.get("_name")}.${format}` }, [file]);
  }

  #tell(type, ...values) { for (const handler of [...(this.#handlers.get(type) ?? [])]) handler(...values); }
}
