// A prompt whose words can be touched, beside its picture. Python (prompt_view.py) holds the state and draws; this
// module shows the state and reports what the user does. A plain page can use it too: `render({model, el})` asks of
// `model` only get, set, save_changes, on, off and send.

import { Stage, bytesOf, element } from "./stage.js";

const PAUSE = 350; // milliseconds without a key after which a prompt that is being typed is drawn

function render({ model, el }) {
  const uid = `sv${Math.random().toString(36).slice(2)}`;
  const input = element("input", { type: "text", className: "sv-input", spellcheck: false, autocomplete: "off", id: uid });
  const label = element("label", { htmlFor: uid, className: "sv-label" }, "Prompt");
  const draw = element("button", { type: "submit", className: "sv-draw" }, "Draw");
  const stop = element("button", { type: "button", className: "sv-button" }, "Stop");
  const bar = element("progress", { className: "sv-progress", max: 1, attributes: { "aria-label": "Progress" } });
  const form = element("form", { className: "sv-form" }, label, input, draw, stop, bar);
  const chips = element("div", {
    className: "sv-chips",
    attributes: { role: "toolbar", "aria-label": "Words of the prompt" },
  });
  const hint = element("p", { className: "sv-hint", attributes: { "aria-live": "polite" } });
  const before = new Stage("Before");
  const now = new Stage("The picture");
  const close = element("button", { type: "button", className: "sv-button" }, "One picture");
  const thumbnails = element("div", {
    className: "sv-thumbnails",
    attributes: { role: "group", "aria-label": "Pictures" },
  });
  const step = element("input", { type: "range", min: 1, attributes: { "aria-label": "Step" } });
  const reading = element("output", { className: "sv-reading" });
  const kinds = element("div", { className: "sv-kinds", attributes: { role: "group", "aria-label": "Show" } });
  const exchange = element("div", {
    className: "sv-exchange",
    attributes: { role: "group", "aria-label": "Other words" },
  });
  const notes = element("ul", { className: "sv-notes" });
  const film = element("div", { className: "sv-film" }, element("span", {}, "Step"), step, reading);
  const side = element("div", { className: "sv-side" }, exchange, thumbnails, film, kinds, notes, close);
  const stages = element("div", { className: "sv-stages" }, before.figure, now.figure, side);
  const root = element("div", { className: "sv-view sv-prompt" }, form, chips, hint, stages);
  el.append(root);

  let touched = null; // the chip under the pointer or the focus
  let chosen = null; // the chip that was pressed
  let waiting = 0;

  const send = (action) => model.send({ do: action });

  function set(name, value) {
    model.set(name, value);
    model.save_changes();
  }

  function glowOf(index) {
    const words = model.get("words");
    const word = words[index]?.text.toLowerCase();
    const row = word === undefined ? -1 : model.get("map_words").indexOf(word);
    const [height, width] = model.get("map_size");
    const values = bytesOf(model.get("maps")).subarray(row * height * width, (row + 1) * height * width);
    return row < 0 || !values.length ? null : { values, height, width };
  }

  function showGlow() {
    const index = touched ?? chosen;
    now.draw(index === null ? null : glowOf(index));
    const word = index === null ? undefined : model.get("words")[index];
    hint.textContent = word ? explain(word, glowOf(index) !== null) : summary();
  }

  function explain(word, mapped) {
    if (!word.read) return `“${word.text}”: the prompt is too long; the model does not read this word.`;
    const parts = word.pieces.join(" · ");
    if (!word.known) return `“${word.text}” occurs in no caption that the model learnt from. It falls apart: ${parts}.`;
    if (word.pieces.length > 1) return `“${word.text}” falls apart into ${parts}.`;
    return mapped ? `Lit: where the model read “${word.text}”.` : `“${word.text}” is one piece.`;
  }

  function summary() {
    const strange = model.get("words").filter((word) => !word.known);
    if (!model.get("words").length) return "Without words the model draws whatever it likes.";
    if (!strange.length) return "Point at a word to see where it was read. Press it to try another one.";
    const near = ({ text, alternatives }) => `“${text}”${alternatives.length ? ` (try ${alternatives.join(", ")})` : ""}`;
    return `In pieces, because the model never learnt them: ${strange.map(near).join(", ")}.`;
  }

  function showWords() {
    const words = model.get("words");
    const focused = [...chips.children].indexOf(document.activeElement);
    if (chosen !== null && chosen >= words.length) chosen = null;
    touched = null;
    chips.replaceChildren(
      ...words.map((word, index) => {
        const chip = element(
          "button",
          {
            type: "button",
            className: `sv-chip${word.known ? "" : " sv-strange"}${word.read ? "" : " sv-unread"}`,
            attributes: { "aria-label": word.text, "aria-pressed": String(index === chosen) },
            tabIndex: index === Math.max(0, focused) ? 0 : -1,
          },
          ...word.pieces.map((piece) => element("span", {}, piece)),
        );
        chip.onpointerenter = chip.onfocus = () => touch(index);
        chip.onpointerleave = chip.onblur = () => touch(null);
        chip.onclick = () => choose(index === chosen ? null : index);
        return chip;
      }),
    );
    if (focused >= 0) chips.children[Math.min(focused, words.length - 1)]?.focus();
    showExchange();
    showGlow();
  }

  function touch(index) {
    touched = index;
    showGlow();
  }

  function choose(index) {
    chosen = index;
    [...chips.children].forEach((chip, i) => chip.setAttribute("aria-pressed", String(i === chosen)));
    showExchange();
    showGlow();
  }

  chips.onkeydown = (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const here = [...chips.children].indexOf(document.activeElement);
    if (event.key === "Escape") choose(null);
    if (!move || here < 0) return;
    event.preventDefault();
    const next = chips.children[Math.min(chips.children.length - 1, Math.max(0, here + move))];
    [...chips.children].forEach((chip) => (chip.tabIndex = chip === next ? 0 : -1));
    next.focus();
  };

  function showExchange() {
    const word = chosen === null ? null : model.get("words")[chosen];
    const others = word?.alternatives ?? [];
    exchange.hidden = !word;
    exchange.replaceChildren(
      ...(word ? [element("span", {}, others.length ? `Instead of “${word.text}”:` : `Take out “${word.text}”:`)] : []),
      ...others.map((other) => {
        const button = element("button", { type: "button", className: "sv-button" }, other);
        button.onclick = () => exchangeWord(word, other);
        return button;
      }),
      ...(word ? [takeOut(word)] : []),
    );
  }

  function takeOut(word) {
    const button = element("button", { type: "button", className: "sv-button" }, "no word");
    button.onclick = () => exchangeWord(word, "");
    return button;
  }

  function exchangeWord(word, other) {
    const prompt = model.get("prompt");
    const changed = (prompt.slice(0, word.start) + other + prompt.slice(word.end)).replace(/ {2,}/g, " ").trim();
    clearTimeout(waiting);
    input.value = changed;
    set("prompt", changed);
    send("compare");
  }

  function showThumbnails() {
    const pictures = model.get("thumbnails");
    thumbnails.hidden = pictures.length < 2 && model.get("chosen") >= 0;
    for (const image of thumbnails.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    thumbnails.replaceChildren(
      ...pictures.map(({ label, image }, index) => {
        const src = URL.createObjectURL(new Blob([bytesOf(image)]));
        const button = element(
          "button",
          {
            type: "button",
            className: "sv-thumbnail",
            title: label,
            attributes: { "aria-label": label, "aria-pressed": String(index === model.get("chosen")) },
          },
          element("img", { src, alt: "" }),
        );
        button.onclick = () => set("chosen", index);
        return button;
      }),
    );
  }

  function showFilm() {
    const steps = model.get("steps");
    film.hidden = kinds.hidden = steps < 1;
    step.max = steps;
    step.value = model.get("step");
    step.disabled = model.get("running");
    reading.textContent = `${model.get("step")} of ${steps}`;
    kinds.replaceChildren(
      ...model.get("kinds").map((kind) => {
        const pressed = String(kind === model.get("kind"));
        const button = element(
          "button",
          { type: "button", className: "sv-button", attributes: { "aria-pressed": pressed } },
          kind,
        );
        button.onclick = () => set("kind", kind);
        return button;
      }),
    );
  }

  function showNotes() {
    notes.replaceChildren(...model.get("notes").map((note) => element("li", {}, note)));
  }

  function showRunning() {
    const running = model.get("running");
    stop.disabled = !running;
    bar.value = model.get("progress");
    root.classList.toggle("sv-running", running);
    root.setAttribute("aria-busy", String(running));
    showFilm();
  }

  function showPicture() {
    now.show(model.get("picture"), model.get("caption")).then(showGlow);
  }

  function showBefore() {
    const compared = bytesOf(model.get("before")).length > 0;
    before.figure.hidden = close.hidden = !compared;
    if (compared) before.show(model.get("before"), model.get("before_caption"));
  }

  function showPrompt() {
    if (input.value !== model.get("prompt")) input.value = model.get("prompt");
  }

  input.oninput = () => {
    set("prompt", input.value);
    clearTimeout(waiting);
    if (model.get("follow")) waiting = setTimeout(() => send("draw"), PAUSE);
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    set("prompt", input.value);
    send("draw");
  };
  stop.onclick = () => {
    clearTimeout(waiting);
    send("stop");
  };
  close.onclick = () => send("close");
  step.oninput = () => set("step", Number(step.value));

  const shown = {
    prompt: showPrompt,
    words: showWords,
    picture: showPicture,
    caption: showPicture,
    before: showBefore,
    maps: showGlow,
    thumbnails: showThumbnails,
    chosen: showThumbnails,
    steps: showFilm,
    step: showFilm,
    kinds: showFilm,
    kind: showFilm,
    notes: showNotes,
    running: showRunning,
    progress: showRunning,
  };
  for (const [name, show] of Object.entries(shown)) model.on(`change:${name}`, show);
  for (const show of new Set(Object.values(shown))) show();
  return () => {
    clearTimeout(waiting);
    for (const [name, show] of Object.entries(shown)) model.off(`change:${name}`, show);
  };
}

export default { render };
