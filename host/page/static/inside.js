// The network's layers as pictures, and the gallery of wrong test images.

import { paintImage } from "./answer.js";
import { decodeBytes } from "./socket.js";

const element = (id) => document.getElementById(id);
const MAP_SIDE = 64; // CSS pixels of the longer side of a feature map

export function showLayers({ problem, layers }) {
  element("layers-text").textContent =
    problem || "The values after each layer, computed by the integer reference; its logits equal the chip's.";
  element("layer-list").replaceChildren(...layers.map(layerFigure));
}

function layerFigure({ title, shape, data }) {
  const figure = document.createElement("figure");
  figure.appendChild(document.createElement("figcaption")).textContent = title;
  const maps = figure.appendChild(document.createElement("div"));
  maps.className = "maps";
  maps.setAttribute("role", "img");
  maps.setAttribute("aria-label", title);
  const bytes = decodeBytes(data);
  const [channels, rows, columns] = shape.length === 3 ? shape : [1, 1, shape[0]];
  for (let channel = 0; channel < channels; channel++) {
    const map = maps.appendChild(document.createElement("canvas"));
    paintImage(map, [1, rows, columns], bytes.subarray(channel * rows * columns, (channel + 1) * rows * columns));
    const scale = rows === 1 ? 12 : MAP_SIDE / Math.max(rows, columns);
    map.style.width = `${columns * scale}px`;
    map.style.maxWidth = "100%";
    map.style.height = `${rows * scale}px`;
  }
  return figure;
}

/** `choose` is called with the index of a test image that was clicked. */
export function showGallery({ progress, images }, shape, choose) {
  element("gallery-text").textContent =
    progress < 1
      ? `Looking at the test images: ${(progress * 100).toFixed(0)} %`
      : `${images.length} of the test images are read wrong. Click one to send it to the board.`;
  element("gallery-list").replaceChildren(
    ...images.map(({ index, label, predicted, data }) => {
      const button = document.createElement("button");
      button.type = "button";
      const canvas = button.appendChild(document.createElement("canvas"));
      canvas.setAttribute("aria-hidden", "true");
      paintImage(canvas, shape, decodeBytes(data));
      button.append(`${label}, read as ${predicted}`);
      button.setAttribute("aria-label", `Test image ${index}, a ${label}, read as ${predicted}`);
      button.addEventListener("click", () => choose(index));
      return button;
    }),
  );
}
