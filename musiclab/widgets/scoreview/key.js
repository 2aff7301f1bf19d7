// Where the music sounds in another key than it is written in: said, and written anew at a click.

import { answers, button, h } from "../shared/dom.js";

const steps = (count) => `${count} semitone${count === 1 ? "" : "s"}`;

export function createKey(model, { clock, editor }, signal) {
  const told = h("span", { role: "status" });
  const write = button({
    label: "write it as it sounds", title: "Write the part in the key it sounds in", text: "Write it so",
    class: "ml-chip",
  }, () => editor.order("rewrite", { fields: { semitones: clock.semitones } }), signal);
  const element = h("span", { class: "ml-group ml-other-key" }, told, ...(answers(model) ? [write] : []));
  let shown = null;
  function show() {
    const { semitones, drums } = model.get("_decided");
    const by = drums ? 0 : clock.semitones - (semitones ?? 0);
    if (by === shown) return;
    shown = by;
    element.hidden = by === 0;
    told.textContent = by ? `Sounds ${steps(Math.abs(by))} ${by > 0 ? "higher" : "lower"} than written` : "";
  }
  show();
  return { element, show };
}
