// A picture on a canvas, parts of which can be dimmed, and small helpers that all views share.

export function element(tag, properties = {}, ...children) {
  const { attributes = {}, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  // Else an arrow key on a slider or Enter on a button would be a command of JupyterLab's, such as "edit this cell".
  if (["button", "input"].includes(tag)) made.dataset.lmSuppressShortcuts = "true";
  made.append(...children);
  return made;
}

// Bytes arrive as a DataView from a kernel and as a Uint8Array from a page.
export function bytesOf(value) {
  return value?.buffer ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(0);
}

export async function decode(value) {
  const bytes = bytesOf(value);
  return bytes.length ? createImageBitmap(new Blob([bytes])) : null;
}

// A picture on a canvas, on which everything but one word's region can be dimmed.
export class Stage {
  constructor(label) {
    this.canvas = element("canvas", { width: 512, height: 512, className: "sv-canvas" });
    this.canvas.setAttribute("role", "img");
    this.caption = element("figcaption", { className: "sv-caption" });
    this.figure = element("figure", { className: "sv-stage" }, this.canvas, this.caption);
    this.label = label;
    this.image = null;
    this.newest = 0;
  }

  async show(value, text) {
    const number = ++this.newest;
    const image = await decode(value);
    if (number !== this.newest) return; // a later picture was faster
    this.image = image;
    this.caption.textContent = text;
    this.canvas.setAttribute("aria-label", `${this.label}: ${text}`);
    this.canvas.dataset.shown = String(number);
    this.draw(null);
  }

  // The place of the picture on the canvas: left, top, width, height.
  place() {
    const { width, height } = this.canvas;
    const scale = Math.min(width / this.image.width, height / this.image.height);
    const [w, h] = [this.image.width * scale, this.image.height * scale];
    return [(width - w) / 2, (height - h) / 2, w, h];
  }

  // `glow` is null, or {values, height, width, tint}: bytes that are high where the picture stays; the rest is dimmed.
  // With `tint`, what stays gets a warm colour, which grey pictures need.
  draw(glow) {
    const context = this.canvas.getContext("2d");
    const { width, height } = this.canvas;
    context.fillStyle = "#8882";
    context.clearRect(0, 0, width, height);
    context.fillRect(0, 0, width, height);
    if (!this.image) return;
    const place = this.place();
    context.imageSmoothingQuality = "high";
    context.drawImage(this.image, ...place);
    this.canvas.dataset.glow = glow ? "on" : "off";
    if (!glow) return;
    context.drawImage(overlay(glow, (value) => [8, 10, 18, 215 * (1 - value)]), ...place);
    if (!glow.tint) return;
    context.globalCompositeOperation = "screen";
    context.drawImage(overlay(glow, (value) => [255, 150, 20, 110 * value]), ...place);
    context.globalCompositeOperation = "source-over";
  }
}

// A small picture to draw over another; `color` turns a value from 0 to 1 into red, green, blue and opacity.
export function overlay({ values, height, width }, color) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let i = 0; i < values.length; i++) pixels.data.set(color(values[i] / 255), 4 * i);
  context.putImageData(pixels, 0, 0);
  return canvas;
}
