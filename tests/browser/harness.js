// A widget without Jupyter: a model that counts what tests ask of it, and the life of a widget as anywidget leads it.

const bytesOf = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

const revive = (value) => {
  if (Array.isArray(value)) return value.map(revive);
  if (value && typeof value === "object") {
    if ("$bytes" in value) return bytesOf(value.$bytes);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revive(inner)]));
  }
  return value;
};

class FakeModel {
  constructor(state) {
    this.state = revive(state);
    this.handlers = new Map();
    this.unsaved = {};
    this.saves = [];  // what each save_changes told Python
  }
  get(name) { return this.state[name]; }
  set(name, value) {
    if (JSON.stringify(this.state[name]) === JSON.stringify(value)) return;
    this.state[name] = value;
    this.unsaved[name] = value;
    this.emit(name);
  }
  emit(name) { for (const handler of [...(this.handlers.get(`change:${name}`) ?? [])]) handler(); }
  on(name, handler) { this.handlers.set(name, [...(this.handlers.get(name) ?? []), handler]); }
  off(name, handler) { this.handlers.set(name, (this.handlers.get(name) ?? []).filter((other) => other !== handler)); }
  save_changes() { this.saves.push(this.unsaved); this.unsaved = {}; }
  send() {}
  /** As when Python sets a trait. */
  receive(values) {
    for (const [name, value] of Object.entries(values)) this.state[name] = revive(value);
    for (const name of Object.keys(values)) this.emit(name);
  }
  get listeners() { return [...this.handlers.values()].reduce((sum, list) => sum + list.length, 0); }
}

/** Every listener on document and window that has not been taken away. */
const strays = new Map();
const { addEventListener } = EventTarget.prototype;
for (const target of [document, window]) {
  target.addEventListener = (type, handler, options) => {
    strays.set(handler, type);
    options?.signal?.addEventListener("abort", () => strays.delete(handler));
    addEventListener.call(target, type, handler, options);
  };
}

window.harness = {
  get strays() { return [...strays.values()]; },
  async start(source, css, state, views = 1) {
    document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { default: factory } = await import(url);
    const model = this.model = new FakeModel(state);
    const widget = this.widget = await factory();
    await widget.initialize?.({ model });
    this.cleanups = [];
    for (let i = 0; i < views; i++) await this.view();
  },
  async view() {
    const el = document.createElement("div");
    this.cleanups.push(await this.widget.render({ model: this.model, el }));
    document.body.append(el);  // only now, as in JupyterLab
  },
  get engine() { return document.querySelector(".ml-mixer").engine; },
  /** Level in dBFS of what is heard, in a band around `hz` if given, of both channels together. */
  async heard(hz = null, start = 0, seconds = 1) {
    const buffer = await this.engine.render(start, seconds);
    let power = 0;
    for (const channel of [0, 1]) {
      const samples = buffer.getChannelData(channel);
      if (hz === null) { power += samples.reduce((sum, x) => sum + x * x, 0) / samples.length; continue; }
      let [re, im] = [0, 0];
      samples.forEach((x, n) => {
        const angle = (2 * Math.PI * hz * n) / buffer.sampleRate;
        re += x * Math.cos(angle);
        im += x * Math.sin(angle);
      });
      power += 2 * (re * re + im * im) / samples.length ** 2;
    }
    return 10 * Math.log10(power / 2 + 1e-20);
  },
  async samples(start, seconds) {
    const buffer = await this.engine.render(start, seconds);
    return [0, 1].map((channel) => Array.from(buffer.getChannelData(channel)));
  },
};
