// The 2D key points that were lifted, over the film.

const FAINT_SCORE = 0.4; // below it a limb is drawn faint, as in the rendered film

class Overlay {
  constructor(canvas, run) {
    Object.assign(this, { canvas, run, context: canvas.getContext("2d"), on: true });
  }

  draw(frame, people) {
    const { canvas, context, run } = this;
    const scale = fitCanvas(canvas);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.on) return;
    // The film is shown whole and in the middle (object-fit: contain).
    const zoom = Math.min(canvas.width / run.size[0], canvas.height / run.size[1]);
    const left = (canvas.width - zoom * run.size[0]) / 2, top = (canvas.height - zoom * run.size[1]) / 2;
    context.lineCap = "round";
    for (const person of people) {
      const row = rowOf(run, person, frame);
      if (row >= 0) this.drawPerson(person, row, zoom * run.scales.keypoints, left, top, scale);
    }
    context.globalAlpha = 1;
  }

  drawPerson(person, row, zoom, left, top, scale) {
    const { context, run } = this;
    const at = (joint) => {
      const k = 2 * (row * run.joints + joint);
      return [left + zoom * run.keypoints[k], top + zoom * run.keypoints[k + 1]];
    };
    const thick = Math.max(2, Math.min(this.canvas.width, this.canvas.height) / 130 / scale) * scale;
    for (const [widen, outline] of [[1.4 * scale, true], [0, false]]) {
      run.skeleton.limbs.forEach(([a, b], limb) => {
        const score = Math.min(run.scores[row * run.joints + a], run.scores[row * run.joints + b]) / 255;
        context.globalAlpha = (score < FAINT_SCORE ? 0.35 : 1) * (outline ? 0.55 : 1);
        context.strokeStyle = outline ? "#000" : person.body[run.skeleton.limb_sides[limb]];
        context.lineWidth = thick + 2 * widen;
        context.beginPath();
        context.moveTo(...at(a));
        context.lineTo(...at(b));
        context.stroke();
      });
    }
  }
}

// Makes a canvas as fine as the screen; returns how many of its pixels one CSS pixel takes.
function fitCanvas(canvas) {
  const scale = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  return scale;
}
