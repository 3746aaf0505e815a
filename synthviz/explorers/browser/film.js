// The pictures of a prompt as small ones to choose from, and the steps of the chosen one.

import { bytesOf, element } from "./stage.js";

export class Thumbnails {
  // `onChoose(index)` is called when a picture is pressed.
  constructor(onChoose) {
    this.root = element("div", {
      className: "sv-thumbnails",
      attributes: { role: "group", "aria-label": "Pictures" },
    });
    this.onChoose = onChoose;
  }

  // `pictures` are {label, image}; a single one is not shown while it is the large one.
  show(pictures, chosen) {
    this.root.hidden = pictures.length < 2 && chosen >= 0;
    for (const image of this.root.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    this.root.replaceChildren(...pictures.map((picture, index) => this.button(picture, index, index === chosen)));
  }

  button({ label, image }, index, pressed) {
    const properties = {
      type: "button",
      className: "sv-thumbnail",
      title: label,
      attributes: { "aria-label": label, "aria-pressed": String(pressed) },
    };
    const src = URL.createObjectURL(new Blob([bytesOf(image)]));
    const button = element("button", properties, element("img", { src, alt: "" }));
    button.onclick = () => this.onChoose(index);
    return button;
  }
}

export class Film {
  // `onStep(step)` is called when the slider moves, `onKind(kind)` when another kind of picture is wanted.
  constructor(onStep, onKind) {
    this.slider = element("input", { type: "range", min: 1, attributes: { "aria-label": "Step" } });
    this.reading = element("output", { className: "sv-reading" });
    this.steps = element("div", { className: "sv-film" }, element("span", {}, "Step"), this.slider, this.reading);
    this.kinds = element("div", { className: "sv-kinds", attributes: { role: "group", "aria-label": "Show" } });
    this.onKind = onKind;
    this.slider.oninput = () => onStep(Number(this.slider.value));
  }

  show({ steps, step, kinds, kind, running }) {
    this.steps.hidden = this.kinds.hidden = steps < 1;
    this.slider.max = steps;
    this.slider.value = step;
    this.slider.disabled = running;
    this.reading.textContent = `${step} of ${steps}`;
    this.kinds.replaceChildren(...kinds.map((each) => this.kindButton(each, each === kind)));
  }

  kindButton(kind, pressed) {
    const properties = { type: "button", className: "sv-button", attributes: { "aria-pressed": String(pressed) } };
    const button = element("button", properties, kind);
    button.onclick = () => this.onKind(kind);
    return button;
  }
}
