// Curves over time beneath the timeline. Of many frames a pixel, the least and the most are drawn: no peak is lost.

class Plot {
  // low, high: of the scale; marks: its labelled lines; unit: written behind them.
  constructor(canvas, run, axis, { low, high, marks, unit }) {
    Object.assign(this, { canvas, run, axis, low, high, marks, unit });
  }

  y(value, height) { return 5 + (this.high - value) / (this.high - this.low) * (height - 10); }

  // curves: [{ color, dash, at(row) -> number or NaN }] of one person.
  draw(palette, person, curves) {
    const { axis, run } = this;
    const { context, width, height } = beginCanvas(this.canvas);
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.strokeStyle = palette.grid;
    context.fillStyle = palette.faint;
    for (const mark of this.marks) {
      context.beginPath();
      context.moveTo(axis.gutter, Math.round(this.y(mark, height)) + 0.5);
      context.lineTo(width, Math.round(this.y(mark, height)) + 0.5);
      context.stroke();
      context.fillText(`${mark}${this.unit}`, axis.gutter - 6, this.y(mark, height));
    }
    for (const seconds of axis.ticks().found) line(context, axis.x(seconds), 0, axis.x(seconds), height);
    context.textAlign = "left";
    if (!person) return;
    context.save();
    context.beginPath();
    context.rect(axis.gutter, 0, width - axis.gutter, height);
    context.clip();
    context.fillStyle = palette.soft;
    for (const [first, last] of spanFrames(run, person)) {
      const a = axis.x(run.times[first]);
      context.fillRect(a, 0, Math.max(1.5, axis.x(endOf(run, last)) - a), height);
    }
    for (const curve of curves) this.curve(context, person, curve, height);
    context.restore();
  }

  curve(context, person, { color, dash, at }, height) {
    const { axis, run } = this;
    const first = Math.max(person.first, frameAt(run.times, axis.from) - 1);
    const last = Math.min(person.first + person.count - 1, frameAt(run.times, axis.to) + 1);
    context.strokeStyle = color;
    context.lineWidth = 1.7;
    context.lineJoin = "round";
    context.setLineDash(dash || []);
    context.beginPath();
    if (last - first > 2 * (axis.width - axis.gutter)) this.columns(context, person, first, last, at, height);
    else this.points(context, person, first, last, at, height);
    context.stroke();
    context.setLineDash([]);
  }

  points(context, person, first, last, at, height) {
    let pen = false;
    for (let frame = first; frame <= last; frame++) {
      const row = rowOf(this.run, person, frame), value = row < 0 ? NaN : at(row);
      if (Number.isNaN(value)) { pen = false; continue; }
      const x = this.axis.x(this.run.times[frame]), y = this.y(value, height);
      if (pen) context.lineTo(x, y); else context.moveTo(x, y);
      pen = true;
    }
  }

  columns(context, person, first, last, at, height) {
    let column = NaN, least = Infinity, most = -Infinity, pen = false;
    const flush = () => {
      if (!(least <= most)) { pen = false; return; }
      if (pen) context.lineTo(column, this.y(least, height)); else context.moveTo(column, this.y(least, height));
      context.lineTo(column, this.y(most, height));
      pen = true;
    };
    for (let frame = first; frame <= last; frame++) {
      const x = Math.round(this.axis.x(this.run.times[frame]));
      if (x !== column) { flush(); column = x; least = Infinity; most = -Infinity; }
      const row = rowOf(this.run, person, frame), value = row < 0 ? NaN : at(row);
      if (value < least) least = value;
      if (value > most) most = value;
    }
    flush();
  }
}

// First and last frames of a person's spans of low trust; those that overlap as one. Spans come by time.
function spanFrames(run, person) {
  const index = run.people.indexOf(person), joined = [];
  for (const [whose, , , first, last] of run.spans) {
    if (whose !== index) continue;
    const before = joined[joined.length - 1];
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last); else joined.push([first, last]);
  }
  return joined;
}

// The angle of a joint and a side at a row, degrees; NaN where there is none.
function angleOf(run, joint, side) {
  const column = run.angle_names.findIndex((angle) => angle.joint === joint && angle.side === side), count = run.angle_names.length;
  return (row) => {
    const tenths = run.angles[row * count + column];
    return tenths < 0 ? NaN : tenths / 10;
  };
}

// The mean and the least score of a row's joints, 0..1.
function scoresOf(run) {
  const over = (row, fold, start) => {
    let value = start;
    for (let joint = 0; joint < run.joints; joint++) value = fold(value, run.scores[row * run.joints + joint] / 255);
    return value;
  };
  return { mean: (row) => over(row, (a, b) => a + b, 0) / run.joints, least: (row) => over(row, Math.min, 1) };
}
