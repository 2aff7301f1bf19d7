// The parts: one at a time on the screen, in lines as wide as the screen can show them, and on paper.

import { choice } from "../widgets/shared/controls.js";
import { h } from "../widgets/shared/dom.js";
import { Model } from "./model.js";
import { unpacked } from "./packed.js";

const LEAST = 3.9;  // px that a millimetre of the engraved page has on the screen, where there is a narrower one

/** The widest of the engraved pages that can be read at this width. */
function fitting(layouts, width) {
  return layouts.find(({ millimetres }) => width / millimetres >= LEAST) ?? layouts.at(-1);
}

/** One part in its place; `end()` takes it out again. `clock` is the desk's name: the part follows it. */
async function open({ state, layouts, files }, { mount, place, paper }) {
  const life = new AbortController();
  const model = new Model(await unpacked(state), { files: await unpacked(files) });
  const pages = await unpacked(layouts);
  let shown = null;
  function fit() {
    const layout = fitting(pages, place.clientWidth);
    if (layout === shown) return;
    shown = layout;
    model.receive({ _svg: layout.svg });
  }
  fit();
  const leave = await mount(model, place);
  const resized = new ResizeObserver(fit);
  resized.observe(place);
  const printed = paper.map((svg) => URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" })));
  life.signal.addEventListener("abort", () => {
    resized.disconnect();
    leave();
    for (const url of printed) URL.revokeObjectURL(url);
  });
  return { printed, end: () => life.abort() };
}

/** All parts: `mount(model, element)` shows one. The last one looked at comes first the next time. */
export async function createParts(parts, { mount, shelf, root, paper }) {
  if (!parts.length) return;
  const place = h("div", { class: "page-part" });
  let [current, number] = [null, 0];
  async function show(name) {
    const mine = ++number;
    const part = parts.find((other) => other.name === name) ?? parts[0];
    picker.update(part.name);
    current?.end();
    current = null;
    const pages = await unpacked(part.pages);
    const opened = await open(part, { mount, place, paper: pages });
    if (mine !== number) return opened.end();  // another one was chosen meanwhile
    current = opened;
    paper.replaceChildren(h("h2", {}, part.label), ...opened.printed.map((src, i) =>
      h("img", { src, alt: `${part.label}, page ${i + 1}` })));
    return shelf.put("part", part.name);
  }
  const items = parts.map(({ name, label }) => ({ name, label }));
  const picker = choice("part", items, show, new AbortController().signal);
  const heading = parts.length > 1 ? picker.element : "";
  const title = h("h2", {}, parts.length > 1 ? "Parts" : parts[0].label);
  root.append(h("div", { class: "page-head musiclab" }, title, heading), place);
  await show(shelf.get("part"));
}
