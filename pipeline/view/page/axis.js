// Time from left to right: one axis for the timeline and the plots, so that they are read together.

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

class Axis {
  constructor(run, changed) {
    Object.assign(this, { whole: endOf(run, run.frames - 1), changed, width: 1, gutter: 46 });
    this.from = 0;
    this.to = this.whole;
    this.shortest = Math.min(this.whole, 8 / run.fps);
  }

  x(seconds) { return this.gutter + (seconds - this.from) / (this.to - this.from) * (this.width - this.gutter); }
  seconds(x) { return this.from + (x - this.gutter) / Math.max(1, this.width - this.gutter) * (this.to - this.from); }

  // Shows `factor` times as much time about a moment.
  zoom(factor, about) {
    const length = Math.min(this.whole, Math.max(this.shortest, (this.to - this.from) * factor));
    const share = (about - this.from) / (this.to - this.from);
    this.place(about - share * length, length);
  }

  place(from, length) {
    this.from = Math.min(Math.max(0, from), this.whole - length);
    this.to = this.from + length;
    this.changed();
  }

  // Turns the page when a moment has left it.
  keep(seconds) {
    if (seconds >= this.from && seconds <= this.to) return;
    const length = this.to - this.from;
    this.place(seconds - 0.1 * length, length);
  }

  ticks() {
    const room = Math.max(2, (this.width - this.gutter) / 90);
    const step = STEPS.find((candidate) => (this.to - this.from) / candidate <= room) || 7200;
    const found = [];
    for (let k = Math.ceil(this.from / step - 1e-9); k * step <= this.to + 1e-9; k++) found.push(k * step);
    return { step, found };
  }

  label(seconds, step) {
    if (seconds < 60 && this.whole < 60) return `${seconds.toFixed(step < 0.1 ? 2 : step < 1 ? 1 : 0)} s`;
    const whole = step < 1 ? seconds.toFixed(2).padStart(5, "0") : "";
    const minutes = Math.floor(seconds / 60 + 1e-9), rest = seconds - 60 * minutes;
    return `${minutes}:${whole ? rest.toFixed(2).padStart(5, "0") : String(Math.round(rest)).padStart(2, "0")}`;
  }
}

// The page's colours, for what is drawn on a canvas.
function paletteOf() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  return { text: color("text"), faint: color("faint"), grid: color("grid"), warn: color("warn"), soft: color("warn-soft"), line: color("line") };
}

// Prepares a canvas for drawing in CSS pixels; returns its context and size.
function beginCanvas(canvas) {
  const scale = fitCanvas(canvas), context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  return { context, width: canvas.clientWidth, height: canvas.clientHeight };
}
