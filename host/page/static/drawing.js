// The sheet: strokes as points from 0 to 1 along the shorter side, drawn with a constant width.

// MNIST's strokes are 2.55 pixels wide in the median; pens differ in pressure, mice have none.
const STROKE = 2.5 / 28; // of the shorter side
const BOX = 20 / 28; // MNIST's digits fill 20 of 28 pixels
const SENT_SIDE = 140; // pixels along the shorter side of the picture that is sent: five for each of 28
const INK = "#101418";
const PAPER = "#ffffff";
const STEP = 0.02; // of an arrow key

export class Sheet {
  #canvas;
  #strokes = [];
  #pointer = null; // the pointer that draws
  #keys = null; // the pen of the keyboard: its position, and whether it is down
  #aspect = 1; // columns / rows of the model's images
  #changed;
  #finished;

  /** `changed` is called when the drawing changes, `finished` when a stroke ends or is taken back. */
  constructor(canvas, changed, finished) {
    this.#canvas = canvas;
    this.#changed = changed;
    this.#finished = finished;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#up(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#liftKeys());
    new ResizeObserver(() => this.#fit()).observe(canvas);
  }

  get isEmpty() {
    return this.#strokes.length === 0;
  }

  /** Whether nothing is drawn and no pen of the keyboard is shown. */
  get isUntouched() {
    return this.isEmpty && !this.#keys;
  }

  setShape([, rows, columns]) {
    this.#aspect = columns / rows;
    this.#canvas.style.aspectRatio = `${columns} / ${rows}`;
    this.#fit();
  }

  undo() {
    if (this.#strokes.pop()) this.#edited();
  }

  clear() {
    this.#strokes = [];
    this.#edited();
  }

  /** The drawing as a PNG; null if it is empty. `centred`: enlarged to the size that the network is used to. */
  async picture(centred) {
    if (this.isEmpty) return null;
    const sent = document.createElement("canvas");
    [sent.width, sent.height] = this.#sides(SENT_SIDE);
    const context = sent.getContext("2d");
    context.fillStyle = PAPER;
    context.fillRect(0, 0, sent.width, sent.height);
    this.#paint(context, SENT_SIDE, centred ? this.#enlarged() : (point) => point);
    return new Promise((resolve) => sent.toBlob(resolve, "image/png"));
  }

  /** A map of points that lets the ink fill the box. The stroke keeps its width, so small digits are not bolder. */
  #enlarged() {
    const points = this.#strokes.flat();
    const [left, right] = extent(points.map(([x]) => x));
    const [top, bottom] = extent(points.map(([, y]) => y));
    const size = Math.max(right - left, bottom - top);
    const factor = size > 0 ? (BOX - STROKE) / size : 1;
    const [width, height] = this.#sides(1);
    return ([x, y]) => [
      width / 2 + (x - (left + right) / 2) * factor,
      height / 2 + (y - (top + bottom) / 2) * factor,
    ];
  }

  #sides(shorter) {
    return this.#aspect >= 1 ? [shorter * this.#aspect, shorter] : [shorter, shorter / this.#aspect];
  }

  #fit() {
    const ratio = window.devicePixelRatio || 1;
    const width = this.#canvas.clientWidth;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round((width / this.#aspect) * ratio);
    this.#redraw();
  }

  #redraw() {
    const context = this.#canvas.getContext("2d");
    const shorter = Math.min(this.#canvas.width, this.#canvas.height);
    context.fillStyle = PAPER;
    context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#paint(context, shorter, (point) => point);
    if (this.#keys) {
      context.strokeStyle = "#1b5ab5";
      context.lineWidth = 2;
      context.beginPath();
      context.arc(this.#keys.x * shorter, this.#keys.y * shorter, (STROKE / 2) * shorter, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  #paint(context, shorter, map) {
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = STROKE * shorter;
    context.strokeStyle = INK;
    for (const stroke of this.#strokes) {
      const points = stroke.map(map);
      context.beginPath();
      context.moveTo(points[0][0] * shorter, points[0][1] * shorter);
      // A line to the same point draws a dot.
      for (const [x, y] of points.length > 1 ? points.slice(1) : points) context.lineTo(x * shorter, y * shorter);
      context.stroke();
    }
  }

  #edited() {
    this.#redraw();
    this.#changed();
    this.#finished();
  }

  #point(event) {
    const area = this.#canvas.getBoundingClientRect();
    const shorter = Math.min(area.width, area.height);
    return [(event.clientX - area.left) / shorter, (event.clientY - area.top) / shorter];
  }

  #down(event) {
    if (this.#pointer !== null || event.button !== 0) return;
    this.#liftKeys();
    this.#pointer = event.pointerId;
    try {
      this.#canvas.setPointerCapture(event.pointerId);
    } catch {
      // The pointer has gone up already.
    }
    this.#strokes.push([this.#point(event)]);
    this.#redraw();
    this.#changed();
  }

  #move(event) {
    if (event.pointerId !== this.#pointer) return;
    // The browser reports several positions between two frames as one event.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.#strokes.at(-1).push(this.#point(each));
    this.#redraw();
  }

  #up(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = null;
    this.#finished();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    const [width, height] = this.#sides(1);
    if (event.key in moves) {
      this.#keys ??= { x: width / 2, y: height / 2, isDown: false };
      const [x, y] = moves[event.key];
      this.#keys.x = Math.min(Math.max(this.#keys.x + x, 0), width);
      this.#keys.y = Math.min(Math.max(this.#keys.y + y, 0), height);
      if (this.#keys.isDown) this.#strokes.at(-1).push([this.#keys.x, this.#keys.y]);
    } else if (event.key === " ") {
      this.#keys ??= { x: width / 2, y: height / 2, isDown: false };
      if (event.repeat) return event.preventDefault();
      if (this.#keys.isDown) {
        this.#keys.isDown = false;
        this.#finished();
      } else {
        this.#keys.isDown = true;
        this.#strokes.push([[this.#keys.x, this.#keys.y]]);
      }
    } else {
      return;
    }
    event.preventDefault();
    this.#redraw();
    this.#changed();
  }

  #liftKeys() {
    if (!this.#keys) return;
    const wasDown = this.#keys.isDown;
    this.#keys = null;
    this.#redraw();
    this.#changed();
    if (wasDown) this.#finished();
  }
}

function extent(values) {
  return [Math.min(...values), Math.max(...values)];
}
