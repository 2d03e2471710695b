// Reads what Python packed: the head, the typed arrays, and where each person's frames lie in them.

const KINDS = { "<f8": Float64Array, "<i2": Int16Array, "|u1": Uint8Array };

function decodeBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function takeBlock(id) {
  const block = document.getElementById(id);
  const text = block.textContent;
  block.remove(); // its text is as large as the film
  return text;
}

function readRun() {
  const run = JSON.parse(takeBlock("head"));
  for (const [name, about] of Object.entries(run.arrays)) {
    run[name] = new KINDS[about.type](decodeBase64(takeBlock(`array-${name}`)).buffer);
  }
  run.frames = run.times.length;
  run.joints = run.skeleton.joints.length;
  return run;
}

// A person's row in the arrays at a frame; -1 where they are out of track.
function rowOf(run, person, frame) {
  const offset = frame - person.first;
  if (offset < 0 || offset >= person.count) return -1;
  return run.valid[person.row + offset] ? person.row + offset : -1;
}

// The last frame that has begun at `seconds`; a tenth of a millisecond forgives rounding.
function frameAt(times, seconds) {
  let low = 0, high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= seconds + 1e-4) low = middle; else high = middle - 1;
  }
  return low;
}

// The frame whose own time stamp is nearest: for time stamps that a container has rounded.
function frameNear(times, seconds) {
  const before = frameAt(times, seconds), after = Math.min(before + 1, times.length - 1);
  return Math.abs(times[after] - seconds) < Math.abs(seconds - times[before]) ? after : before;
}

// Seconds at which a frame ends; the last one lasts as long as the one before it.
function endOf(run, frame) {
  if (frame + 1 < run.frames) return run.times[frame + 1];
  return run.times[frame] + (frame > 0 ? run.times[frame] - run.times[frame - 1] : 1 / run.fps);
}

function clockText(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(3).padStart(6, "0")}`;
}
