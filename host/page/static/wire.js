// The bytes on the wire: a bounded list, coloured by kind, with pause and export.

import { decodeBytes } from "./socket.js";

const MOST_SHOWN = 400;
const MOST_KEPT = 5000;
const BYTES_SHOWN = 24;

const element = (id) => document.getElementById(id);

export class WireView {
  #kept = [];
  #fresh = []; // not drawn yet
  #dropped = 0;
  #paused = false;
  #scheduled = false;

  constructor() {
    element("pause").addEventListener("click", () => {
      this.#paused = !this.#paused;
      element("pause").setAttribute("aria-pressed", String(this.#paused));
      this.#schedule();
    });
    element("export").addEventListener("click", () => this.#export());
    element("wire").addEventListener("toggle", () => this.#schedule());
  }

  add(transfer) {
    this.#kept.push(transfer);
    this.#fresh.push(transfer);
    if (this.#kept.length > MOST_KEPT) {
      this.#kept.shift();
      this.#dropped += 1;
    }
    if (this.#fresh.length > MOST_SHOWN) this.#fresh.shift();
    this.#schedule();
  }

  #schedule() {
    if (this.#scheduled || this.#paused || !element("wire").open) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  #draw() {
    const list = element("transfers");
    const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
    list.append(...this.#fresh.map(row));
    this.#fresh = [];
    while (list.children.length > MOST_SHOWN) list.firstChild.remove();
    if (atEnd) list.scrollTop = list.scrollHeight;
    const dropped = this.#dropped ? `, ${this.#dropped} older ones dropped` : "";
    element("wire-count").textContent = `${this.#kept.length} kept${dropped}`;
  }

  #export() {
    const lines = this.#kept.map(({ data, seconds, outgoing, kind, decoded }) =>
      JSON.stringify({ seconds, direction: outgoing ? "to board" : "to host", kind, decoded, bytes: hex(data) }),
    );
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\n"), "\n"], { type: "application/x-ndjson" }));
    link.download = "wire.jsonl";
    link.click();
    URL.revokeObjectURL(link.href);
  }
}

function row({ seconds, outgoing, kind, decoded, data }) {
  const line = document.createElement("div");
  line.className = outgoing ? `outgoing ${kind}` : kind;
  const bytes = outgoing ? ` ${hex(data, BYTES_SHOWN)}` : "";
  line.textContent = `${seconds.toFixed(3).padStart(9)} ${outgoing ? "→" : "←"} ${decoded}${bytes}`;
  return line;
}

function hex(text, most = Infinity) {
  const bytes = decodeBytes(text);
  const shown = [...bytes.slice(0, most)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return bytes.length > most ? `${shown} … (${bytes.length} bytes)` : shown;
}
