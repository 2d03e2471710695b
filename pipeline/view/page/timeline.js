// The timeline: a lane a person, bright while in track, with the spans of low trust on it.

const MOST_LANES = 24;
const TICKS_HEIGHT = 18;

class Timeline {
  constructor(canvas, run, axis) {
    Object.assign(this, { canvas, run, axis });
    this.lanes = Math.min(MOST_LANES, run.people.length);
    this.lane = Math.max(5, Math.min(16, 96 / Math.max(1, this.lanes)));
    canvas.style.height = `${TICKS_HEIGHT + Math.max(1, this.lanes) * this.lane + 4}px`;
    this.tracked = run.people.slice(0, this.lanes).map((person) => runsOf(run, person));
  }

  draw(palette, hidden) {
    const { axis, run } = this;
    const { context, width, height } = beginCanvas(this.canvas);
    const { step, found } = axis.ticks();
    context.fillStyle = palette.faint;
    context.strokeStyle = palette.grid;
    context.textBaseline = "middle";
    for (const seconds of found) {
      const x = axis.x(seconds), text = axis.label(seconds, step);
      line(context, x, TICKS_HEIGHT - 3, x, height);
      const half = context.measureText(text).width / 2;
      context.fillText(text, Math.min(Math.max(x - half, 2), width - 2 * half), 7);
    }
    context.save();
    context.beginPath();
    context.rect(axis.gutter, 0, width - axis.gutter, height);
    context.clip();
    this.tracked.forEach((runs, index) => {
      context.fillStyle = run.people[index].mark;
      context.globalAlpha = hidden.has(run.people[index]) ? 0.15 : 0.5;
      for (const [first, last] of runs) this.bar(context, index, first, last, 2);
    });
    context.globalAlpha = 1;
    context.fillStyle = palette.warn;
    for (const [index, , , first, last] of run.spans) if (index < this.lanes) this.bar(context, index, first, last, 0);
    context.restore();
    this.name(context, palette);
  }

  bar(context, lane, first, last, inset) {
    const a = this.axis.x(this.run.times[first]), b = this.axis.x(endOf(this.run, last));
    if (b < this.axis.gutter || a > this.axis.width) return;
    const top = TICKS_HEIGHT + lane * this.lane + 1;
    const thin = inset ? this.lane - 3 : Math.max(2, (this.lane - 3) * 0.45);
    context.fillRect(a, inset ? top : top + this.lane - 3 - thin, Math.max(1.5, b - a), thin);
  }

  name(context, palette) {
    context.fillStyle = palette.faint;
    if (this.lane < 10) return;
    this.tracked.forEach((_, index) => {
      context.fillText(this.run.people[index].label, this.axis.gutter - 18, TICKS_HEIGHT + (index + 0.5) * this.lane);
    });
  }
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(Math.round(x1) + 0.5, y1);
  context.lineTo(Math.round(x2) + 0.5, y2);
  context.stroke();
}

// First and last frames of a person's unbroken appearances.
function runsOf(run, person) {
  const runs = [];
  for (let i = 0; i < person.count; i++) {
    if (!run.valid[person.row + i]) continue;
    const frame = person.first + i;
    if (runs.length && runs[runs.length - 1][1] === frame - 1) runs[runs.length - 1][1] = frame; else runs.push([frame, frame]);
  }
  return runs;
}
