// A prompt whose words can be touched, beside its picture. Python (prompt_view.py) holds the state and draws; this
// module shows the state and reports what the user does. A plain page can use it too: `render({model, el})` asks of
// `model` only get, set, save_changes, on, off and send.

import { Film, Thumbnails } from "./film.js";
import { Stage, bytesOf, element } from "./stage.js";
import { Words, explainPrompt, explainWord } from "./words.js";

const PAUSE = 350; // milliseconds without a key after which a prompt that is being typed is drawn

class PromptView {
  constructor(model) {
    this.model = model;
    this.waiting = 0; // the timer of a prompt that is being typed
    this.words = new Words(() => this.showGlow(), (word, other) => this.exchange(word, other));
    this.thumbnails = new Thumbnails((index) => this.set("chosen", index));
    this.film = new Film((step) => this.set("step", step), (kind) => this.set("kind", kind));
    this.before = new Stage("Before");
    this.now = new Stage("The picture");
    this.hint = element("p", { className: "sv-hint", attributes: { "aria-live": "polite" } });
    this.notes = element("ul", { className: "sv-notes" });
    this.close = element("button", { type: "button", className: "sv-button" }, "One picture");
    this.close.onclick = () => this.send("close");
    this.root = element("div", { className: "sv-view sv-prompt" }, this.form(), this.words.chips, this.hint, this.stages());
  }

  form() {
    const id = `sv${Math.random().toString(36).slice(2)}`;
    this.input = element("input", { type: "text", className: "sv-input", spellcheck: false, autocomplete: "off", id });
    this.stop = element("button", { type: "button", className: "sv-button" }, "Stop");
    this.bar = element("progress", { className: "sv-progress", max: 1, attributes: { "aria-label": "Progress" } });
    const label = element("label", { htmlFor: id, className: "sv-label" }, "Prompt");
    const draw = element("button", { type: "submit", className: "sv-draw" }, "Draw");
    const form = element("form", { className: "sv-form" }, label, this.input, draw, this.stop, this.bar);
    this.input.oninput = () => this.type();
    this.stop.onclick = () => {
      clearTimeout(this.waiting);
      this.send("stop");
    };
    form.onsubmit = (event) => {
      event.preventDefault();
      clearTimeout(this.waiting);
      this.set("prompt", this.input.value);
      this.send("draw");
    };
    return form;
  }

  stages() {
    const { words, thumbnails, film, notes, close } = this;
    const parts = [words.others, thumbnails.root, film.steps, film.kinds, notes, close];
    const side = element("div", { className: "sv-side" }, ...parts);
    return element("div", { className: "sv-stages" }, this.before.figure, this.now.figure, side);
  }

  get(name) {
    return this.model.get(name);
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  send(action) {
    this.model.send({ do: action });
  }

  type() {
    this.set("prompt", this.input.value);
    clearTimeout(this.waiting);
    if (this.get("follow")) this.waiting = setTimeout(() => this.send("draw"), PAUSE);
  }

  exchange(word, other) {
    const prompt = this.get("prompt");
    const changed = (prompt.slice(0, word.start) + other + prompt.slice(word.end)).replace(/ {2,}/g, " ").trim();
    clearTimeout(this.waiting);
    this.input.value = changed;
    this.set("prompt", changed);
    this.send("compare");
  }

  // The map of a word as the stage draws it; null if it has none.
  glowOf(word) {
    const row = word ? this.get("map_words").indexOf(word.text.toLowerCase()) : -1;
    const [height, width] = this.get("map_size");
    const values = bytesOf(this.get("maps")).subarray(row * height * width, (row + 1) * height * width);
    return row < 0 || !values.length ? null : { values, height, width };
  }

  showGlow() {
    const word = this.words.looked;
    const glow = this.glowOf(word);
    this.now.draw(glow);
    this.hint.textContent = word ? explainWord(word, glow !== null) : explainPrompt(this.words.words);
  }

  showPrompt() {
    if (this.input.value !== this.get("prompt")) this.input.value = this.get("prompt");
  }

  showWords() {
    this.words.show(this.get("words"));
  }

  showPicture() {
    this.now.show(this.get("picture"), this.get("caption")).then(() => this.showGlow());
  }

  showBefore() {
    const compared = bytesOf(this.get("before")).length > 0;
    this.before.figure.hidden = this.close.hidden = !compared;
    if (compared) this.before.show(this.get("before"), this.get("before_caption"));
  }

  showThumbnails() {
    this.thumbnails.show(this.get("thumbnails"), this.get("chosen"));
  }

  showFilm() {
    const names = ["steps", "step", "kinds", "kind", "running"];
    this.film.show(Object.fromEntries(names.map((name) => [name, this.get(name)])));
  }

  showNotes() {
    this.notes.replaceChildren(...this.get("notes").map((note) => element("li", {}, note)));
  }

  showRunning() {
    const running = this.get("running");
    this.stop.disabled = !running;
    this.bar.value = this.get("progress");
    this.root.classList.toggle("sv-running", running);
    this.root.setAttribute("aria-busy", String(running));
    this.showFilm();
  }
}

const SHOWN_BY = {
  prompt: "showPrompt",
  words: "showWords",
  picture: "showPicture",
  caption: "showPicture",
  before: "showBefore",
  maps: "showGlow",
  thumbnails: "showThumbnails",
  chosen: "showThumbnails",
  steps: "showFilm",
  step: "showFilm",
  kinds: "showFilm",
  kind: "showFilm",
  notes: "showNotes",
  running: "showRunning",
  progress: "showRunning",
};

function render({ model, el }) {
  const view = new PromptView(model);
  el.append(view.root);
  const listeners = Object.entries(SHOWN_BY).map(([name, method]) => [`change:${name}`, () => view[method]()]);
  for (const [change, listener] of listeners) model.on(change, listener);
  for (const method of new Set(Object.values(SHOWN_BY))) view[method]();
  return () => {
    clearTimeout(view.waiting);
    for (const [change, listener] of listeners) model.off(change, listener);
  };
}

export default { render };
