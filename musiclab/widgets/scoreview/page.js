// The engraved page: which note is where, colours by confidence, the highlight.

import { h } from "../shared/dom.js";

const REACH = 24;  // px around a note head in which a click means it

/** The class of a note by its confidence. */
export const levelOf = (confidence) => (confidence < 0.4 ? "ml-doubtful" : confidence < 0.7 ? "ml-unsure" : "");

/** The distance in px from a place to the middle of an element. */
function away(element, { clientX, clientY }) {
  const box = element.getBoundingClientRect();
  return Math.hypot(clientX - (box.left + box.right) / 2, clientY - (box.top + box.bottom) / 2);
}

/** `onPick(index)` when a note is clicked. */
export class EngravedPage {
  #lit = new Set();
  #heads = new Map();  // by their ids in the SVG

  constructor(model, onPick, signal) {
    this.model = model;
    this.element = h("div", { class: "ml-page", role: "group", "aria-label": "score", tabindex: 0 });
    this.element.addEventListener("click", (event) => {
      const head = event.target.closest("[data-note]") ?? this.#near(event);
      if (head) onPick(Number(head.dataset.note));
    }, { signal });
  }

  update() {
    this.element.innerHTML = this.model.get("_svg");
    this.element.querySelector("svg")?.setAttribute("aria-hidden", "true");  // read aloud, it says nothing
    this.#lit = new Set();
    this.#heads = new Map();
    this.model.get("_notes").forEach(([, , , confidence, ids], index) => {
      for (const id of ids) {
        const head = this.element.querySelector(`#${CSS.escape(id)}`);
        if (head) this.#mark(head, id, index, confidence);
      }
    });
  }

  #mark(head, id, index, confidence) {
    this.#heads.set(id, head);
    head.dataset.note = index;
    const level = levelOf(confidence);
    if (level) head.classList.add(level);
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = `${Math.round(100 * confidence)} % sure`;
    head.append(title);
  }

  /** Light the notes that sound. */
  light(ids) {
    const [lit, heads] = [this.#lit, this.#heads];
    for (const id of lit) if (!ids.has(id)) heads.get(id)?.classList.remove("ml-playing");
    for (const id of ids) if (!lit.has(id)) heads.get(id)?.classList.add("ml-playing");
    if (ids.size && [...ids].some((id) => !lit.has(id))) this.#reveal(heads.get([...ids][0]));
    this.#lit = ids;
  }

  /** Scroll so that the system with this note is in view. */
  #reveal(head) {
    const { element } = this;
    const system = head?.closest(".system");
    if (!system || element.scrollHeight <= element.clientHeight) return;
    const [box, frame] = [system.getBoundingClientRect(), element.getBoundingClientRect()];
    if (box.top < frame.top || box.bottom > frame.bottom) element.scrollTop += box.top - frame.top - 12;
  }

  select(index) {
    for (const head of this.#heads.values()) head.classList.toggle("ml-selected", Number(head.dataset.note) === index);
  }

  /** The nearest note within reach of a finger. */
  #near(place) {
    let [best, distance] = [null, REACH];
    for (const head of this.#heads.values()) {
      const far = away(head.querySelector(".notehead") ?? head, place);
      if (far < distance) [best, distance] = [head, far];
    }
    return best;
  }
}
