// The words of a prompt as chips. A word can be touched (by the pointer or the focus) and chosen (pressed); a chosen
// word can be exchanged for another one, or taken out.

import { element } from "./stage.js";

export class Words {
  // `onLook()` is called whenever another word is looked at, `onExchange(word, other)` to put `other` in its place.
  constructor(onLook, onExchange) {
    this.chips = element("div", {
      className: "sv-chips",
      attributes: { role: "toolbar", "aria-label": "Words of the prompt" },
    });
    this.others = element("div", {
      className: "sv-exchange",
      attributes: { role: "group", "aria-label": "Other words" },
    });
    this.words = [];
    this.touched = null; // the number of the chip under the pointer or the focus
    this.chosen = null; // the number of the chip that was pressed
    this.onLook = onLook;
    this.onExchange = onExchange;
    this.chips.onkeydown = (event) => this.move(event);
  }

  // The word that is looked at; undefined for none.
  get looked() {
    return this.words[this.touched ?? this.chosen];
  }

  show(words) {
    const focused = [...this.chips.children].indexOf(document.activeElement);
    this.words = words;
    if (this.chosen >= words.length) this.chosen = null;
    this.touched = null;
    this.chips.replaceChildren(...words.map((word, index) => this.chip(word, index, Math.max(0, focused))));
    if (focused >= 0) this.chips.children[Math.min(focused, words.length - 1)]?.focus();
    this.showOthers();
    this.onLook();
  }

  chip(word, index, reachable) {
    const properties = {
      type: "button",
      className: `sv-chip${word.known ? "" : " sv-strange"}${word.read ? "" : " sv-unread"}`,
      attributes: { "aria-label": word.text, "aria-pressed": String(index === this.chosen) },
      tabIndex: index === reachable ? 0 : -1,
    };
    const chip = element("button", properties, ...word.pieces.map((piece) => element("span", {}, piece)));
    chip.onpointerenter = chip.onfocus = () => this.touch(index);
    chip.onpointerleave = chip.onblur = () => this.touch(null);
    chip.onclick = () => this.choose(index === this.chosen ? null : index);
    return chip;
  }

  touch(index) {
    this.touched = index;
    this.onLook();
  }

  choose(index) {
    this.chosen = index;
    [...this.chips.children].forEach((chip, i) => chip.setAttribute("aria-pressed", String(i === index)));
    this.showOthers();
    this.onLook();
  }

  // The arrow keys move the focus, as in every toolbar.
  move(event) {
    const chips = [...this.chips.children];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const here = chips.indexOf(document.activeElement);
    if (event.key === "Escape") this.choose(null);
    if (!step || here < 0) return;
    event.preventDefault();
    const next = chips[Math.min(chips.length - 1, Math.max(0, here + step))];
    chips.forEach((chip) => (chip.tabIndex = chip === next ? 0 : -1));
    next.focus();
  }

  showOthers() {
    const word = this.words[this.chosen];
    this.others.hidden = !word;
    this.others.replaceChildren();
    if (!word) return;
    const found = word.alternatives;
    this.others.append(
      element("span", {}, found.length ? `Instead of “${word.text}”:` : `Take out “${word.text}”:`),
      ...found.map((other) => this.exchangeButton(word, other, other)),
      this.exchangeButton(word, "", "no word"),
    );
  }

  exchangeButton(word, other, label) {
    const button = element("button", { type: "button", className: "sv-button" }, label);
    button.onclick = () => this.onExchange(word, other);
    return button;
  }
}

// What to say of a word that is looked at; `mapped` tells whether its region is lit.
export function explainWord(word, mapped) {
  if (!word.read) return `“${word.text}”: the prompt is too long; the model does not read this word.`;
  const parts = word.pieces.join(" · ");
  if (!word.known) return `“${word.text}” occurs in no caption that the model learnt from. It falls apart: ${parts}.`;
  if (word.pieces.length > 1) return `“${word.text}” falls apart into ${parts}.`;
  return mapped ? `Lit: where the model read “${word.text}”.` : `“${word.text}” is one piece.`;
}

// What to say of all words while none is looked at.
export function explainPrompt(words) {
  const strange = words.filter((word) => !word.known);
  if (!words.length) return "Without words the model draws whatever it likes.";
  if (!strange.length) return "Point at a word to see where it was read. Press it to try another one.";
  const near = ({ text, alternatives }) => `“${text}”${alternatives.length ? ` (try ${alternatives.join(", ")})` : ""}`;
  return `In pieces, because the model never learnt them: ${strange.map(near).join(", ")}.`;
}
