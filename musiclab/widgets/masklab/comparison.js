// All kinds of mask for the stem, as small pictures; a click takes one.

import { button, h } from "../shared/dom.js";

const SIZE = [440, 200];  // px of a picture

function createCard(session, { name, label }, signal) {
  const { sdr, mask } = session.compared.cards.get(name);
  const text = sdr === null ? label : `${label}, SDR ${sdr.toFixed(1)} dB`;
  const card = button({ label: `take ${text}`, text: session.picture.thumbnail(mask, ...SIZE), class: "ml-card" },
    () => session.set("kind", name), signal);
  card.append(h("span", {}, h("b", {}, label), sdr === null ? "" : ` ${sdr.toFixed(1)} dB`));
  if (session.model.get("kind") === name) card.setAttribute("aria-current", "true");
  return card;
}

export function createComparison(session, signal) {
  const { model } = session;
  const element = h("div", {
    class: "ml-compared", role: "group", "aria-label": "all kinds side by side", hidden: true,
  });
  const opener = button({
    label: "compare all kinds side by side", text: "Side by side", class: "ml-plain", "aria-expanded": "false",
  }, toggle, signal);

  function show(is) {
    element.hidden = !is;
    opener.setAttribute("aria-expanded", is);
  }
  function toggle() {
    if (!element.hidden) {
      show(false);
      return;
    }
    session.compared = null;
    session.send("compare");
  }
  function update() {
    const { compared } = session;
    if (!compared || compared.stem !== model.get("stem")) {
      show(false);
      return;
    }
    const there = model.get("_kinds").filter(({ name }) => compared.cards.has(name));
    element.replaceChildren(...there.map((kind) => createCard(session, kind, signal)));
    show(true);
  }
  return { element, opener, update, get hidden() { return element.hidden; } };
}
