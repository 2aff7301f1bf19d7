// One sound at a time: what starts asks everything else in this browser to stop, in other notebooks and windows too.

const now = () => performance.timeOrigin + performance.now();  // ms: the same in all windows

/** The right to sound, of a widget or of a `group` of them that sound together; `stop()` when another one takes it. */
export class Turn {
  #channel = new BroadcastChannel("musiclab");
  #since = 0;

  constructor(stop, group = "") {
    this.group = group || `${Math.random()}`;
    this.#channel.onmessage = ({ data }) => {
      if (data.group !== this.group && data.at > this.#since) stop();
    };
  }

  take() {
    this.#since = now();
    this.#channel.postMessage({ group: this.group, at: this.#since });
  }

  end() { this.#channel.close(); }
}
