// What stays in this browser, under the name of the lesson: how the desk is set, loops, a pupil's own notes.

const PREFIX = "musiclab:";

/** Values by name. Where the browser keeps nothing (some do not for pages opened from a file), `keeps` is false. */
export class Shelf {
  #name;
  #values = {};
  keeps = true;

  constructor(name) {
    this.#name = PREFIX + name;
    try {
      this.#values = JSON.parse(localStorage.getItem(this.#name)) ?? {};
      this.#write();
    } catch {
      this.keeps = false;
    }
  }

  all() { return this.#values; }

  get(name) { return this.#values[name]; }

  put(name, value) {
    this.#values[name] = value;
    this.#write();
  }

  #write() {
    try {
      localStorage.setItem(this.#name, JSON.stringify(this.#values));
    } catch {
      this.keeps = false;
    }
  }

  /** Give everything away that was kept under any name that begins like this one. */
  forget() {
    for (const key of Object.keys(localStorage)) if (key.startsWith(this.#name)) localStorage.removeItem(key);
  }
}
