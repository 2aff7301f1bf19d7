// What went where: how much louder each stem has become, and how good it is where the truth is known.

import { h } from "../shared/dom.js";

const LEAST = 0.005;  // dB: less is nothing, in two digits
const signed = (x) => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(2)}`;

function judged(before, now) {
  const gain = now - before;
  if (Math.abs(gain) < LEAST) return h("td", {}, now.toFixed(2));
  const verdict = gain > 0 ? "ml-better" : "ml-worse";
  return h("td", { class: verdict }, now.toFixed(2), h("small", {}, ` ${signed(gain)}`));
}

export function createScores(model) {
  const body = h("tbody");
  const element = h("table", { class: "ml-scores", "aria-label": "what went where" });
  const row = ([name, change, before, now]) => {
    const { label, colour } = model.get("_stems").find((stem) => stem.name === name);
    return h("tr", { class: name === model.get("stem") ? "ml-chosen" : "" },
      h("th", { scope: "row" }, h("i", { style: `background: ${colour}` }), label),
      h("td", {}, Math.abs(change) < LEAST ? "–" : `${signed(change)} dB`),
      ...(before === null ? [] : [h("td", {}, before.toFixed(2)), judged(before, now)]));
  };
  function update() {
    const rows = model.get("_scores");
    const known = rows.some(([, , before]) => before !== null);
    const heads = ["Stem", "Level", ...(known ? ["SDR before", "now"] : [])];
    element.replaceChildren(h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))), body);
    body.replaceChildren(...rows.map(row));
  }
  return { element, update };
}
