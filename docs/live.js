// Pages of the docs: where a widget was run, its picture becomes the widget as soon as it comes into view.

import { Model } from "../musiclab/handout/model.js";
import { unpacked } from "../musiclab/handout/packed.js";

const loaded = new Map();  // by file: what it says, once it and those before it are there

function load(file) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: file, onerror: reject });
    script.onload = () => resolve(window.musiclabLive[file.split("/").at(-1)]);
    document.head.append(script);
  });
}

/** Texts are kept where `packed.js` looks for them. */
function keep(texts) {
  for (const [number, text] of Object.entries(texts)) {
    const element = document.createElement("script");
    Object.assign(element, { type: "text/plain", id: `packed-${number}`, textContent: text });
    document.body.append(element);
  }
}

/** Each file leans on those of the widgets above it. */
function get(files, number) {
  if (number < 0) return Promise.resolve();
  if (!loaded.has(number)) {
    loaded.set(number, get(files, number - 1).then(() => load(files[number])).then((said) => {
      keep(said.texts);
      return said;
    }));
  }
  return loaded.get(number);
}

async function enliven(place, said, widgets) {
  const widget = await widgets[said.kind]();
  const model = new Model(await unpacked(said.state), { files: await unpacked(said.files) });
  await widget.initialize?.({ model });
  for (const style of ["jp-RenderedHTMLCommon", "jp-RenderedHTML"]) {  // of texts: it would squeeze a widget's pictures
    place.closest(`.${style}`)?.classList.remove(style);
  }
  const el = document.createElement("div");
  await widget.render({ model, el });
  place.replaceChildren(el);
  place.dataset.ready = "";
}

export function start(widgets) {
  const places = [...document.querySelectorAll(".live")];
  const files = places.map((place) => place.dataset.file);
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      get(files, places.indexOf(target)).then((said) => enliven(target, said, widgets));
    }
  }, { rootMargin: "300px" });
  places.forEach((place) => seen.observe(place));
}
