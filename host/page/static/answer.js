// The image on the wire, the answer to it, and where the time went.

import { decodeBytes } from "./socket.js";

const SETTLED = 700; // milliseconds without a newer answer, after which it is announced

const element = (id) => document.getElementById(id);

/** Paints pixels of a network's image, planar uint8, grey or RGB. */
export function paintImage(canvas, [channels, rows, columns], bytes) {
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  const plane = rows * columns;
  for (let pixel = 0; pixel < plane; pixel++) {
    for (let colour = 0; colour < 3; colour++) {
      image.data[4 * pixel + colour] = bytes[channels === 3 ? colour * plane + pixel : pixel];
    }
    image.data[4 * pixel + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

export class AnswerView {
  #board = null;
  #announcing = 0;
  #latencies = []; // milliseconds from pen up to the answer on the page, the last 100
  #skipped = 0;

  /** Prepares a row for each class of a board that has become ready. */
  setBoard(board) {
    this.#board = board;
    element("bars").replaceChildren(
      ...board.class_names.map((name) => {
        const row = document.createElement("li");
        for (const part of ["name", "track", "value"]) {
          const child = row.appendChild(document.createElement("span"));
          child.className = part;
        }
        row.children[0].textContent = name;
        row.children[1].setAttribute("aria-hidden", "true");
        row.children[1].appendChild(document.createElement("div")).className = "fill";
        row.children[2].textContent = "–";
        return row;
      }),
    );
    const [channels, rows, columns] = board.shape;
    element("image-size").textContent =
      `${rows} x ${columns} pixels${channels === 3 ? " in three colours" : ""}, ${channels * rows * columns} bytes`;
    this.clear();
  }

  /** Shows that nothing is drawn. */
  clear() {
    clearTimeout(this.#announcing);
    element("label").textContent = "–";
    element("doubt").textContent = element("problem").textContent = element("announcement").textContent = "";
    element("answer").classList.remove("stale");
    for (const row of element("bars").children) {
      row.className = "";
      row.querySelector(".fill").style.width = "0";
      row.querySelector(".value").textContent = "–";
    }
    element("board-times").replaceChildren();
    element("page-times").replaceChildren();
    if (this.#board) {
      const [channels, rows, columns] = this.#board.shape;
      paintImage(element("image"), this.#board.shape, new Uint8Array(channels * rows * columns));
    }
    element("image").setAttribute("aria-label", "No image has been sent yet.");
  }

  /** Greys the answer out while a newer picture is on its way. */
  wait() {
    element("answer").classList.add("stale");
  }

  fail(sentence) {
    element("answer").classList.remove("stale");
    element("problem").textContent = sentence;
    this.#announce(sentence);
  }

  skip() {
    this.#skipped += 1;
    this.#showLatency();
  }

  /**
   * Shows an answer. `total`: milliseconds since pen up; null if no pen was involved. `isNewest`: whether no newer
   * picture is on its way.
   */
  show(answer, total, isNewest) {
    element("answer").classList.toggle("stale", !isNewest);
    element("problem").textContent = answer.retries.join(" ");
    const notSure = answer.sure === false;
    element("label").textContent = answer.name;
    element("doubt").textContent = notSure ? "Not sure" : "";
    paintImage(element("image"), this.#board.shape, decodeBytes(answer.image));
    element("image").setAttribute("aria-label", `The image that was sent; the answer is ${answer.name}.`);
    this.#showBars(answer);
    this.#showTimes(answer, total);
    if (total !== null) {
      this.#latencies = [...this.#latencies, total].slice(-100);
      this.#showLatency();
    }
    const share = answer.shares ? `, ${(answer.shares[answer.label] * 100).toFixed(0)} per cent` : "";
    this.#announce(`${notSure ? "Not sure: " : ""}${answer.name}${share}`);
  }

  #showBars(answer) {
    const low = Math.min(...answer.logits);
    const span = Math.max(...answer.logits) - low || 1;
    [...element("bars").children].forEach((row, index) => {
      const fraction = answer.shares ? answer.shares[index] : (answer.logits[index] - low) / span;
      row.className = index === answer.label ? "first" : "";
      row.querySelector(".fill").style.width = `${fraction * 100}%`;
      row.querySelector(".value").textContent = answer.shares
        ? `${(fraction * 100).toFixed(1)} %`
        : String(answer.logits[index]);
    });
  }

  #showTimes(answer, total) {
    const board = [["Wire out", answer.wire_out]];
    if (answer.network !== null) board.push(["Network, after the last byte", answer.network]);
    board.push(["Wire back", answer.wire_back]);
    const page = [["Request to answer", answer.measured]];
    if (total !== null) page.push(["This page", Math.max(total - answer.measured, 0)], ["Pen up to answer", total]);
    element("board-times").replaceChildren(...board.flatMap(timeRow));
    element("page-times").replaceChildren(...page.flatMap(timeRow));
  }

  #showLatency() {
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    const parts = [];
    if (sorted.length) {
      const slow = sorted[Math.ceil(0.95 * sorted.length) - 1];
      parts.push(`95 % of the last ${sorted.length} answers within ${slow.toFixed(0)} ms of pen up.`);
    }
    if (this.#skipped) parts.push(`${this.#skipped} skipped for a newer one.`);
    element("latency").textContent = parts.join(" ");
  }

  /** Tells screen readers, once the answer has settled. */
  #announce(text) {
    clearTimeout(this.#announcing);
    this.#announcing = setTimeout(() => (element("announcement").textContent = text), SETTLED);
  }
}

function timeRow([name, milliseconds]) {
  const [term, description] = [document.createElement("dt"), document.createElement("dd")];
  term.textContent = name;
  description.textContent = `${milliseconds.toFixed(1)} ms`;
  return [term, description];
}
