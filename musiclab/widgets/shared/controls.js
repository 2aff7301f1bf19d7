// Controls that several widgets share: groups of choices, sliders that tell Python, choices from a list.

import { button, h } from "./dom.js";

const SEND_EVERY = 150;  // ms between two settings of a slider that moves

/** One of several: a radio group of buttons. `items` are {name, label, title, colour}. */
export function choice(label, items, onPick, signal) {
  const buttons = items.map((item) => {
    const content = document.createDocumentFragment();
    content.append(item.colour ? h("i", { style: `background: ${item.colour}` }) : "", item.label);
    return button({
      label: item.label, title: item.title ?? item.label, text: content, role: "radio", class: "ml-pick",
    }, () => onPick(item.name), signal);
  });
  const element = h("div", { class: "ml-choice", role: "radiogroup", "aria-label": label }, ...buttons);
  element.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const next = (buttons.indexOf(document.activeElement) + by + items.length) % items.length;
    buttons[next].focus();
    onPick(items[next].name);
    event.preventDefault();
    event.stopPropagation();
  }, { signal });
  const update = (name) => items.forEach((item, i) => {
    buttons[i].setAttribute("aria-checked", item.name === name);
    buttons[i].tabIndex = item.name === name ? 0 : -1;
  });
  return { element, update };
}

/** A slider; `format` writes its value. `onInput` while it moves, `onChange` when it rests (or now and then). */
export function slider(label, options, signal) {
  const { min, max, step, value, title = label, format = String, onChange = () => {}, onInput = () => {} } = options;
  const output = h("output", {}, "");
  const input = h("input", { type: "range", min, max, step, value, "aria-label": label });
  let timer = null;
  const show = () => {
    output.textContent = format(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  const send = () => {
    clearTimeout(timer);
    timer = null;
    onChange(Number(input.value));
  };
  input.addEventListener("input", () => {
    show();
    onInput(Number(input.value));
    timer ??= setTimeout(send, SEND_EVERY);
  }, { signal });
  input.addEventListener("change", send, { signal });
  signal.addEventListener("abort", () => { if (timer !== null) send(); });  // the last value of a drag counts
  show();
  return {
    element: h("label", { class: "ml-slider", title }, h("span", {}, label), input, output),
    get value() { return Number(input.value); },
    update(to) {
      if (timer === null) input.value = to;
      show();
    },
    hide(hidden) { input.parentElement.hidden = hidden; },
  };
}

/** A slider of a trait: moved here, Python is told; set there, it moves here (call `update`). `onSet` comes before. */
export function traitSlider(model, name, label, options, signal) {
  const { from = Number, to = Number, onSet = () => {} } = options;
  const made = slider(label, {
    ...options,
    value: to(model.get(name)),
    onChange: (value) => {
      if (model.get(name) === from(value)) return;
      onSet();
      model.set(name, from(value));
      model.save_changes();
    },
  }, signal);
  return { ...made, update: () => made.update(to(model.get(name))) };
}

/** One from a list: `disable(names)` greys some of it. */
export function select(label, items, onPick, signal) {
  const options = items.map(({ name, label: text }) => h("option", { value: name }, text));
  const element = h("select", { "aria-label": label }, ...options);
  element.addEventListener("change", () => onPick(element.value), { signal });
  return {
    element: h("label", { class: "ml-select" }, h("span", {}, label), element),
    get value() { return element.value; },
    update(name) { element.value = name; },
    disable(names) { for (const option of options) option.disabled = names.includes(option.value); },
  };
}

/** Yes or no. */
export function checkbox(label, onChange, signal) {
  const input = h("input", { type: "checkbox" });
  input.addEventListener("change", () => onChange(input.checked), { signal });
  return { element: h("label", { class: "ml-check" }, input, label), input };
}
