// All feature maps of a layer as tiles, one of which is chosen. Python (map_grid.py) sends the maps; `render({model,
// el})` asks of `model` only get, set, save_changes, on and off.

import { bytesOf, element } from "./stage.js";

function render({ model, el }) {
  const grid = element("div", { className: "sv-maps", attributes: { role: "group", "aria-label": "Feature maps" } });
  const root = element("div", { className: "sv-view sv-mapgrid" }, grid);
  el.append(root);

  // Draw a map with its colours; `values` are indices into the colours.
  function paint(canvas, values, width, height, colors) {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(width, height);
    for (let i = 0; i < values.length; i++) {
      const at = 3 * values[i];
      pixels.data.set([colors[at], colors[at + 1], colors[at + 2], 255], 4 * i);
    }
    context.putImageData(pixels, 0, 0);
  }

  function choose(index) {
    model.set("chosen", index);
    model.save_changes();
  }

  function show() {
    const [height, width] = model.get("map_size");
    const maps = bytesOf(model.get("maps"));
    const colors = bytesOf(model.get("colors"));
    const focused = grid.contains(document.activeElement);
    grid.style.gridTemplateColumns = `repeat(${model.get("columns")}, 1fr)`;
    grid.replaceChildren(
      ...model.get("channels").map((channel, index) => {
        const canvas = element("canvas");
        paint(canvas, maps.subarray(index * height * width, (index + 1) * height * width), width, height, colors);
        const tile = element(
          "button",
          { type: "button", className: "sv-map", title: `channel ${channel}`, attributes: { "aria-label": `channel ${channel}` } },
          canvas,
        );
        tile.onclick = () => choose(index);
        return tile;
      }),
    );
    mark();
    if (focused) grid.children[model.get("chosen")]?.focus();
  }

  function mark() {
    [...grid.children].forEach((tile, index) => {
      const chosen = index === model.get("chosen");
      tile.setAttribute("aria-pressed", String(chosen));
      tile.tabIndex = chosen ? 0 : -1;
    });
  }

  grid.onkeydown = (event) => {
    const columns = model.get("columns");
    const move = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const last = grid.children.length - 1;
    const next = { Home: 0, End: last }[event.key] ?? model.get("chosen") + (move ?? 0);
    if ((!move && !["Home", "End"].includes(event.key)) || next < 0 || next > last) return;
    event.preventDefault();
    choose(next);
    grid.children[next].focus();
  };

  const shown = { maps: show, channels: show, chosen: mark };
  for (const [name, update] of Object.entries(shown)) model.on(`change:${name}`, update);
  show();
  return () => {
    for (const [name, update] of Object.entries(shown)) model.off(`change:${name}`, update);
  };
}

export default { render };
