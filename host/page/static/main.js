// Connects the parts of the page with each other and with the server.

import { AnswerView } from "./answer.js";
import { Sheet } from "./drawing.js";
import { showGallery, showLayers } from "./inside.js";
import { connect } from "./socket.js";
import { WireView } from "./wire.js";

const MAX_FILE = 15 * 1024 * 1024;
const ERRORS = { "": "no error" };

const element = (id) => document.getElementById(id);
const experiments = [...document.querySelectorAll("[data-experiment]")];

const answerView = new AnswerView();
const wireView = new WireView();

let board = null; // the Ready event of the board; null while there is none
let unplugged = false;
let nextId = 0;
let lastAnswer = null;
const penUps = new Map(); // the time of each picture that has no answer yet

const sheet = new Sheet(
  element("canvas"),
  () => (element("hint").hidden = !sheet.isUntouched),
  () => sendDrawing(),
);
const socket = connect(receive, (code) => {
  setBoard(null);
  notice(
    code === 1009
      ? "The picture is too large: choose one of less than 15 MB."
      : "The program on this computer has ended: type ./inv demo again, and this page goes on.",
  );
});

// --- Sending ------------------------------------------------------------------------------------

async function sendDrawing() {
  const penUp = performance.now();
  const id = nextId++;
  if (sheet.isEmpty) {
    lastAnswer = null;
    answerView.clear();
    return;
  }
  if (!board) return;
  answerView.wait();
  const centred = element("centred").checked || !board.centred;
  const picture = await sheet.picture(centred && board.centred);
  // A PNG that was made late does not overtake a newer one.
  if (isNewest(id) && picture) send({ type: "picture", id, centred }, picture, penUp);
}

const isNewest = (id) => id === nextId - 1;

function send(message, bytes, penUp = null) {
  if (!board) return;
  if (socket.send(message, bytes)) {
    penUps.set(message.id, penUp);
    answerView.wait();
  }
}

function sendFile(file) {
  if (!file) return;
  if (file.size > MAX_FILE) return answerView.fail("The picture is too large: choose one of less than 15 MB.");
  sheet.clear();
  send({ type: "picture", id: nextId++, centred: true }, file);
}

// --- Receiving ----------------------------------------------------------------------------------

function receive(event) {
  switch (event.type) {
    case "starting":
      setBoard(null);
      notice(`${event.board} is starting.`);
      break;
    case "ready":
      setBoard(event);
      notice("");
      if (event.recovered !== null) {
        addExperiment(["The plug was pulled and put in again.", "the board is found again",
          "the board was found again", `${(event.recovered / 1000).toFixed(1)} s`], true);
      }
      if (!sheet.isEmpty) sendDrawing();
      if (element("gallery").open) socket.send({ type: "gallery" });
      break;
    case "gone":
      unplugged = event.unplugged;
      setBoard(null);
      notice(event.sentence);
      break;
    case "busy":
      setBoard(null);
      notice(event.sentence, true);
      break;
    case "answer":
      // The sheet was cleared meanwhile.
      if (sheet.isEmpty && !isNewest(event.id)) break;
      lastAnswer = event;
      answerView.show(event, takeLatency(event.id), isNewest(event.id));
      enable();
      if (element("layers").open) socket.send({ type: "layers", logits: event.logits });
      break;
    case "skipped":
      penUps.delete(event.id);
      answerView.skip();
      break;
    case "failed":
      penUps.delete(event.id);
      answerView.fail(event.sentence);
      break;
    case "transfer":
      wireView.add(event);
      break;
    case "experiment":
      addExperiment([event.altered, word(event.expected), word(event.actual), `${event.milliseconds.toFixed(0)} ms`],
        event.passed);
      break;
    case "layers":
      showLayers(event);
      break;
    case "gallery":
      if (board) {
        showGallery(event, board.shape, (index) => {
          sheet.clear();
          send({ type: "test-image", id: nextId++, index });
        });
      }
      break;
  }
}

function takeLatency(id) {
  const penUp = penUps.get(id);
  penUps.delete(id);
  return penUp == null ? null : performance.now() - penUp;
}

const word = (name) => ERRORS[name] ?? `error ${name}`;

function addExperiment(cells, passed) {
  const row = document.createElement("tr");
  for (const cell of cells) row.appendChild(document.createElement("td")).textContent = cell;
  row.className = passed ? "passed" : "failed";
  element("experiments").prepend(row);
  element("experiment-results").hidden = false;
  while (element("experiments").children.length > 50) element("experiments").lastChild.remove();
}

// --- The state of the page ----------------------------------------------------------------------

function setBoard(ready) {
  board = ready;
  if (board) {
    unplugged = false;
    const clock = `${(board.clock / 1e6).toFixed(0)} MHz`;
    element("board").textContent =
      `${board.board} · model ${board.model} · firmware ${board.firmware} · ${clock} · ${board.baud.toLocaleString("en")} baud`;
    const digits = board.class_names.join("") === "0123456789";
    element("title").textContent = document.title = `Draw a ${digits ? "digit" : "picture"}, the chip answers`;
    sheet.setShape(board.shape);
    answerView.setBoard(board);
    lastAnswer = null;
    element("centring").hidden = !board.centred;
    element("unplug-reason").textContent = board.unavailable.unplug ?? "";
  } else {
    for (const id of penUps.keys()) penUps.delete(id);
  }
  enable();
}

function enable() {
  for (const button of experiments) button.disabled = !board || !lastAnswer;
  element("unplug").textContent = unplugged ? "Put the plug in" : "Pull the plug";
  element("unplug").disabled = unplugged ? false : !board || "unplug" in board.unavailable;
  element("canvas").classList.toggle("off", !board);
  for (const id of ["file", "centred"]) element(id).disabled = !board;
  for (const button of element("gallery-list").children) button.disabled = !board;
}

function notice(sentence, mayTakeOver = false) {
  element("notice").hidden = !sentence;
  element("notice-text").textContent = sentence;
  element("take-over").hidden = !mayTakeOver;
}

// --- Controls -----------------------------------------------------------------------------------

element("undo").addEventListener("click", () => sheet.undo());
element("clear").addEventListener("click", () => sheet.clear());
element("centred").addEventListener("change", () => sendDrawing());
element("take-over").addEventListener("click", () => socket.send({ type: "take-over" }));
element("file").addEventListener("change", (event) => {
  sendFile(event.target.files[0]);
  event.target.value = "";
});
element("unplug").addEventListener("click", () => socket.send({ type: unplugged ? "plug-in" : "unplug" }));
for (const button of experiments) {
  button.addEventListener("click", () => socket.send({ type: "experiment", name: button.dataset.experiment }));
}
element("layers").addEventListener("toggle", (event) => {
  if (event.target.open && lastAnswer) socket.send({ type: "layers", logits: lastAnswer.logits });
});
element("gallery").addEventListener("toggle", (event) => {
  if (event.target.open && board) socket.send({ type: "gallery" });
});

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input")) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    sheet.undo();
  } else if (event.key === "Delete" || event.key === "Backspace") {
    sheet.clear();
  }
});

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    element("sheet").classList.add("drop-target");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) element("sheet").classList.remove("drop-target");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  element("sheet").classList.remove("drop-target");
  sendFile(event.dataTransfer.files[0]);
});

enable();
