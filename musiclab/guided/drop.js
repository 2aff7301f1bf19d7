// Where a song is dropped, or chosen: it goes to Python in pieces, so that long ones pass any server's limit. What
// Python has made comes back the same way, to be saved.

import { bytesOf, h, watch } from "../widgets/shared/dom.js";

const PIECE = 1 << 20;  // bytes of a message: servers refuse those over 10 MB
const AHEAD = 4;        // pieces on their way at once

/** Send a file; Python counts what has come in `_received`. */
async function send(model, file, life) {
  const number = Math.random();
  model.send({ order: "begin", number, name: file.name, size: file.size });
  for (let from = 0; from < file.size; from += PIECE) {
    while (model.get("_received") < from - AHEAD * PIECE) await new Promise((go) => setTimeout(go, 30));
    const piece = await file.slice(from, from + PIECE).arrayBuffer();
    if (life.aborted) return;
    model.send({ order: "piece", number, from }, undefined, [piece]);
  }
}

function save(name, pieces) {
  const url = URL.createObjectURL(new Blob(pieces.map(bytesOf)));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function render({ model, el }) {
  const life = new AbortController();
  const { signal } = life;
  const input = h("input", { type: "file", accept: "audio/*,video/*", "aria-label": "choose a song" });
  const told = h("span", {}, "Drop a song here, or ");
  const root = h("label", { class: "musiclab ml-drop" }, told, h("b", {}, "choose one"), input);
  const take = ([file]) => { if (file) send(model, file, signal); };
  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  }, { signal });
  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    root.addEventListener(type, (event) => {
      event.preventDefault();
      root.classList.toggle("ml-over", type === "dragenter" || type === "dragover");
      if (type === "drop") take(event.dataTransfer.files);
    }, { signal });
  }
  let pieces = [];
  watch(model, [["msg:custom", (content, buffers) => {
    if (content.first) pieces = [];
    pieces.push(...buffers);
    if (content.last) save(content.file, pieces);
  }]], signal);
  el.append(root);
  return () => life.abort();
}

export default { render };
