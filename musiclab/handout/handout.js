// The hand-out: a lesson in one file. The desk and the score are the notebook's own widgets, without a notebook.

import { Model } from "./model.js";
import { unpacked } from "./packed.js";
import { createParts } from "./parts.js";
import { Shelf } from "./shelf.js";
import { createThemeSwitch } from "./theme.js";

const PAUSE = 400;  // ms after the last key until notes are kept
const $ = (selector) => document.querySelector(selector);

/** A widget's life, as anywidget leads it. */
async function mount(create, model, el) {
  const widget = await create();
  const end = await widget.initialize?.({ model });
  const leave = await widget.render({ model, el });
  return () => {
    leave?.();
    end?.();
  };
}

/** Tasks to tick off, and a pupil's own notes: both stay in this browser. */
function keepLesson(shelf) {
  for (const box of document.querySelectorAll("[data-task]")) {
    box.disabled = false;
    box.checked = shelf.get(box.dataset.task) === true;
    box.addEventListener("change", () => shelf.put(box.dataset.task, box.checked));
  }
  const [own, printed] = [$("#own-notes"), $("#own-notes-printed")];
  let timer = null;
  const keep = () => {
    clearTimeout(timer);
    timer = null;
    shelf.put("notes", own.value);
    printed.textContent = own.value;
  };
  own.value = shelf.get("notes") ?? "";
  keep();
  own.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE);
  });
  own.addEventListener("change", keep);
  addEventListener("pagehide", () => { if (timer !== null) keep(); });
  $("#own-kept").textContent = shelf.keeps ? "Kept in this browser, on this device."
    : "This browser keeps nothing for pages opened from a file: print your notes, or copy them.";
}

/** Links to places: "#t=30" goes there, "#t=30,42" loops it. */
function followLinks(model) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#t="]');
    if (!link) return;
    event.preventDefault();
    const [from, to] = link.getAttribute("href").slice(3).split(",").map(Number);
    model.set("loop", to === undefined ? null : [from, to]);
    model.set("position", from);
    model.save_changes();
    $("#desk").scrollIntoView({ block: "nearest" });
  });
}

/** `widgets` are what the modules of mixer and score view export. */
export async function start({ mixer, score }) {
  createThemeSwitch($("#theme"));
  $("#print").addEventListener("click", () => print());
  const { key, desk, parts } = JSON.parse($("#lesson-data").textContent);
  const shelf = new Shelf(key);
  keepLesson(shelf);
  $("#forget").addEventListener("click", () => {
    if (!confirm("Forget your notes, loops and settings for this lesson, in this browser?")) return;
    shelf.forget();
    location.reload();
  });
  const model = new Model(await unpacked(desk), { kept: new Shelf(`${key}:desk`) });
  followLinks(model);
  $("#desk .page-wait").remove();
  await mount(mixer, model, $("#desk"));
  await createParts(parts, {
    shelf, root: $("#parts"), paper: $("#paper"), mount: (part, el) => mount(score, part, el),
  });
  document.documentElement.dataset.ready = "";
}
