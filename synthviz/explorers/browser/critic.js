// A picture, the network's shares for it as bars, and a square that covers a part of the picture. Python
// (critic_view.py) computes; `render({model, el})` asks of `model` only get, set, save_changes, on, off and send.

import { Stage, bytesOf, element } from "./stage.js";

const MOVE = 8; // pixels of the picture that an arrow key moves the square
const SMALLEST = 16;
const LARGEST = 160;

function render({ model, el }) {
  const stage = new Stage("What the network sees");
  stage.canvas.tabIndex = 0;
  stage.canvas.classList.add("sv-brush");
  stage.canvas.dataset.lmSuppressShortcuts = "true";
  const bars = element("div", { className: "sv-bars", attributes: { role: "group", "aria-label": "What the network says" } });
  const verdict = element("p", { className: "sv-verdict", attributes: { "aria-live": "polite" } });
  const size = element("input", {
    type: "range",
    min: SMALLEST,
    max: LARGEST,
    step: 8,
    value: 56,
    attributes: { "aria-label": "Size of the square" },
  });
  const away = element("button", { type: "button", className: "sv-button" }, "Take the square away");
  const lit = element("button", { type: "button", className: "sv-button" }, "Light what mattered");
  const tools = element("div", { className: "sv-film" }, element("span", {}, "Square"), size, away, lit);
  const side = element("div", { className: "sv-side" }, verdict, bars, tools);
  const root = element("div", { className: "sv-view sv-critic" }, element("div", { className: "sv-stages" }, stage.figure, side));
  el.append(root);

  let wanted = null; // the square that Python has not been asked about yet
  let asked = false; // whether Python computes

  function set(name, value) {
    model.set(name, value);
    model.save_changes();
  }

  // One question at a time: the newest square waits until the answer to the last one has come.
  function cover(square) {
    wanted = square;
    draw();
    if (!asked) ask();
  }

  function ask() {
    if (wanted === null) return;
    asked = true;
    set("square", wanted);
    wanted = null;
  }

  const square = () => wanted ?? model.get("square");

  function draw() {
    const values = bytesOf(model.get("glow"));
    const [height, width] = model.get("glow_size");
    const glowing = model.get("lit") && values.length === height * width && values.length > 1;
    stage.draw(glowing ? { values, height, width, tint: true } : null);
    const [x, y, side] = square();
    stage.canvas.dataset.square = square().join(" ");
    if (!stage.image || !side) return;
    const [left, top, w] = stage.place();
    const scale = w / stage.image.width;
    const context = stage.canvas.getContext("2d");
    context.fillStyle = model.get("fill");
    context.strokeStyle = "#ffb300";
    context.lineWidth = 3;
    context.beginPath();
    context.rect(left + x * scale, top + y * scale, side * scale, side * scale);
    context.fill();
    context.stroke();
  }

  function pointAt(event) {
    if (!stage.image) return;
    const box = stage.canvas.getBoundingClientRect();
    const [left, top, w, h] = stage.place();
    const grow = stage.canvas.width / box.width;
    const scale = w / stage.image.width;
    const side = Number(size.value);
    const x = ((event.clientX - box.left) * grow - left) / scale - side / 2;
    const y = ((event.clientY - box.top) * grow - top) / scale - side / 2;
    cover(inside(x, y, side));
  }

  // The nearest square that lies in the picture, in whole pixels.
  function inside(x, y, side) {
    const { width, height } = stage.image;
    const within = (value, most) => Math.round(Math.min(Math.max(0, value), most - side));
    return [within(x, width), within(y, height), side];
  }

  stage.canvas.onpointerdown = (event) => {
    stage.canvas.setPointerCapture(event.pointerId);
    pointAt(event);
  };
  stage.canvas.onpointermove = (event) => {
    if (event.buttons) pointAt(event);
  };
  stage.canvas.onkeydown = (event) => {
    if (!stage.image) return;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Escape") cover([0, 0, 0]);
    if (!step) return;
    event.preventDefault();
    const side = Number(size.value);
    const [x, y, now] = square();
    const start = now ? [x, y] : [(stage.image.width - side) / 2, (stage.image.height - side) / 2];
    cover(inside(start[0] + MOVE * step[0], start[1] + MOVE * step[1], side));
  };
  size.oninput = () => {
    const [x, y, side] = square();
    if (side) cover(inside(x + (side - size.value) / 2, y + (side - size.value) / 2, Number(size.value)));
  };
  away.onclick = () => cover([0, 0, 0]);
  lit.onclick = () => set("lit", !model.get("lit"));

  function showBars() {
    const shares = model.get("shares");
    const before = model.get("shares_before");
    const focused = [...bars.children].indexOf(document.activeElement);
    bars.replaceChildren(
      ...model.get("classes").map((name, index) => {
        const share = shares[index] ?? 0;
        const row = element(
          "button",
          {
            type: "button",
            className: "sv-bar",
            title: `Light what mattered for ${name}`,
            attributes: {
              "aria-label": `${name} ${Math.round(100 * share)}%`,
              "aria-pressed": String(index === model.get("target")),
            },
          },
          element("span", { className: "sv-bar-name" }, name),
          element(
            "span",
            { className: "sv-bar-track" },
            element("span", { className: "sv-bar-share", style: `width:${100 * share}%` }),
            ...(square()[2] ? [element("span", { className: "sv-bar-before", style: `left:${100 * (before[index] ?? 0)}%` })] : []),
          ),
          element("span", { className: "sv-bar-number" }, `${Math.round(100 * share)}%`),
        );
        row.onclick = () => set("target", index);
        return row;
      }),
    );
    if (focused >= 0) bars.children[focused]?.focus();
  }

  function showVerdict() {
    verdict.textContent = model.get("verdict");
  }

  function showPicture() {
    stage.show(model.get("picture"), model.get("caption")).then(draw);
  }

  function showLit() {
    lit.setAttribute("aria-pressed", String(model.get("lit")));
    draw();
  }

  function answered() {
    asked = false;
    showBars();
    draw();
    ask();
  }

  const shown = {
    picture: showPicture,
    caption: showPicture,
    glow: draw,
    lit: showLit,
    classes: showBars,
    shares: showBars,
    shares_before: showBars,
    target: showBars,
    verdict: showVerdict,
    answers: answered,
  };
  for (const [name, show] of Object.entries(shown)) model.on(`change:${name}`, show);
  for (const show of new Set(Object.values(shown))) if (show !== answered) show();
  return () => {
    for (const [name, show] of Object.entries(shown)) model.off(`change:${name}`, show);
  };
}

export default { render };
