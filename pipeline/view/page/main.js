// Ties everything together: what is shown follows from `state`, and changes through `actions` only.

const run = readRun();
const video = byId("video"), root = document.documentElement;
const state = {
  frame: 0, hidden: new Set(), chosen: 0, joint: "knee", view: "film", theme: "dark", follow: false, loop: false, speed: 1,
};
const axis = new Axis(run, () => later());
const overlay = new Overlay(byId("overlay"), run);
const timeline = new Timeline(byId("timeline"), run, axis);
const anglePlot = new Plot(byId("angle-plot"), run, axis, { low: 0, high: 180, marks: [0, 90, 180], unit: "\u00b0" });
const scorePlot = new Plot(byId("score-plot"), run, axis, { low: 0, high: 1, marks: [0, 1], unit: "" });
const scores = scoresOf(run);
let scene = null, player = null, palette = null, curves = [], tellAngles = null, tellScores = null;

const shownPeople = () => run.people.filter((person) => !state.hidden.has(person));
const chosenPerson = () => run.people[state.chosen];

// A frame is on the screen: its pose follows at once.
function show(frame) {
  state.frame = frame;
  overlay.draw(frame, shownPeople());
  if (scene) { scene.follow = state.follow ? chosenPerson() : null; scene.show(frame, shownPeople()); }
  const clock = byId("clock");
  clock.firstChild.data = clockText(run.times[frame] || 0);
  if (document.activeElement !== byId("frame")) byId("frame").value = String(frame);
  byId("tracks").setAttribute("aria-valuenow", String(frame));
  if (player && player.playing) axis.keep(run.times[frame]);
  moveCursor(player && !player.playing ? player.wanted : frame);
  tellValues(frame);
}

function moveCursor(frame) {
  const x = axis.x(run.times[frame] || 0);
  byId("cursor").hidden = x < axis.gutter - 1 || x > axis.width + 1;
  byId("cursor").style.transform = `translateX(${x.toFixed(2)}px)`;
}

function tellValues(frame) {
  const person = chosenPerson(), row = person ? rowOf(run, person, frame) : -1;
  const number = (value, digits, unit) => (Number.isNaN(value) ? "\u2013" : value.toFixed(digits) + unit);
  tellAngles(curves.map((curve) => number(row < 0 ? NaN : curve.at(row), 0, "\u00b0")));
  tellScores([number(row < 0 ? NaN : scores.mean(row), 2, ""), number(row < 0 ? NaN : scores.least(row), 2, ""), ""]);
}

// Redraws timeline and plots, once however often it is asked for.
let asked = false;
function later() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; drawTracks(); });
}

function drawTracks() {
  axis.gutter = parseFloat(getComputedStyle(root).getPropertyValue("--gutter"));
  axis.width = byId("timeline").clientWidth;
  timeline.draw(palette, state.hidden);
  anglePlot.draw(palette, chosenPerson(), curves);
  const lines = chosenPerson() ? chosenPerson().lines[state.theme] : { left: "", right: "" };
  scorePlot.draw(palette, chosenPerson(), [{ color: lines.right, at: scores.least }, { color: lines.left, at: scores.mean }]);
  moveCursor(player ? player.wanted : 0);
}

// What depends on person, joint and theme.
function dress() {
  root.dataset.theme = state.theme;
  palette = paletteOf();
  if (scene) scene.dress(state.theme);
  const lines = chosenPerson() ? chosenPerson().lines[state.theme] : { left: palette.faint, right: palette.faint };
  curves = ["left", "right"].map((side) => ({
    side, color: lines[side], dash: side === "right" ? [6, 3] : null, at: angleOf(run, state.joint, side),
  }));
  tellAngles = legend(byId("angle-legend"), curves.map(({ side, color, dash }) => ({ name: side, color, kind: dash ? "dashed" : "" })));
  tellScores = legend(byId("score-legend"), [
    { name: "mean", color: lines.left }, { name: "least", color: lines.right }, { name: "low trust", kind: "band" },
  ]);
  for (const button of byId("joints").children) pressed(button, button.dataset.joint === state.joint);
  for (const [index, button] of [...byId("people").children].entries()) pressed(button, !state.hidden.has(run.people[index]));
  for (const button of document.querySelectorAll("[data-view]")) pressed(button, button.dataset.view === state.view);
  pressed(byId("follow"), state.follow);
  pressed(byId("loop"), state.loop);
  pressed(byId("mute"), video.muted);
  pressed(byId("overlay-toggle"), overlay.on);
  later();
  show(state.frame);
}

const next = (list, one) => list[(list.indexOf(one) + 1) % list.length];
const change = (values) => { Object.assign(state, values); dress(); };

const actions = {
  toggle: () => (player.playing ? player.pause() : player.play()),
  seek: (frame) => {
    const wanted = Math.min(Math.max(0, frame), run.frames - 1);
    player.seek(wanted);
    axis.keep(run.times[wanted]);
    moveCursor(wanted);
  },
  step: (count) => { player.pause(); actions.seek(player.wanted + count); },
  seconds: (count) => actions.seek(frameAt(run.times, run.times[player.wanted] + count)),
  scrub: (seconds) => { player.pause(); actions.seek(frameAt(run.times, Math.min(Math.max(axis.from, seconds), axis.to))); },
  speed: (speed) => { state.speed = player.speed = speed; byId("speed").value = String(speed); },
  faster: (by) => {
    const speeds = [...byId("speed").options].map((option) => Number(option.value));
    actions.speed(speeds[Math.min(Math.max(0, speeds.indexOf(state.speed) + by), speeds.length - 1)]);
  },
  loop: () => { player.loop = !state.loop; change({ loop: !state.loop }); },
  mute: () => { video.muted = !video.muted; dress(); },
  theme: () => change({ theme: state.theme === "dark" ? "light" : "dark" }),
  follow: () => change({ follow: !state.follow }),
  overlay: () => { overlay.on = !overlay.on; dress(); },
  view: (name) => {
    const wanted = name || next(Object.keys(VIEWS), state.view);
    if (scene) scene.look(wanted);
    change({ view: wanted });
  },
  joint: (name) => change({ joint: name || next([...new Set(run.angle_names.map((angle) => angle.joint))], state.joint) }),
  choose: (index) => { byId("chosen").value = String(index); change({ chosen: index }); },
  person: (index) => {
    const person = run.people[index];
    if (!person) return;
    if (!state.hidden.delete(person)) state.hidden.add(person);
    dress();
  },
  span: (way) => {
    const starts = run.spans.map((span) => span[3]);
    const found = way > 0 ? starts.find((frame) => frame > player.wanted) : starts.filter((frame) => frame < player.wanted).pop();
    if (found !== undefined) { player.pause(); actions.seek(found); }
  },
  zoom: (factor) => axis.zoom(factor, run.times[player.wanted] || 0),
  fit: () => axis.place(0, axis.whole),
  help: () => byId("keys").showModal(),
  film: (file) => {
    byId("picture-note").hidden = true;
    video.src = URL.createObjectURL(file);
    playFilm();
  },
};

function changed() {
  byId("transport").classList.toggle("playing", player.playing);
  byId("play").setAttribute("aria-label", player.playing ? "Pause" : "Play");
  if (!player.playing) moveCursor(player.wanted);
}

function playFilm() {
  if (!(player instanceof FilmPlayer)) player = new FilmPlayer(video, run, show, changed);
  Object.assign(player, { speed: state.speed, loop: state.loop });
  byId("mute").hidden = !run.film.sound;
  actions.seek(state.frame);
}

function playClock(why) {
  player = new ClockPlayer(run, show, changed);
  byId("picture-note").hidden = false;
  document.querySelector("#picture-note p").textContent = why;
  video.removeAttribute("src");
  overlay.on = true;
  dress();
}

function facts() {
  const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;
  byId("facts").textContent = [
    count(run.people.length, "person", "people"), count(run.frames, "frame", "frames"), `${axis.whole.toFixed(1)} s`,
    `${+run.fps.toFixed(2)} frames/s`, `${run.size[0]}\u00d7${run.size[1]}`,
  ].join("  \u00b7  ");
  const whole = document.createElement("small");
  whole.textContent = ` / ${clockText(axis.whole)}`;
  byId("clock").replaceChildren(document.createTextNode(""), whole);
  byId("last-frame").textContent = `/ ${Math.max(0, run.frames - 1)}`;
  byId("frame").max = String(Math.max(0, run.frames - 1));
  byId("tracks").setAttribute("aria-valuemax", String(Math.max(0, run.frames - 1)));
  const aspect = run.size[0] / run.size[1];
  root.style.setProperty("--aspect", aspect.toFixed(4));
  root.style.setProperty("--picture-share", `${Math.min(1.15, Math.max(0.42, 0.8 * aspect)).toFixed(3)}fr`);
}

function begin() {
  state.theme = window.matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  root.dataset.theme = state.theme;
  facts();
  listPeople(run, actions);
  listJoints(run, actions);
  try {
    scene = new Scene3D(byId("scene"), byId("labels"), run);
  } catch (error) {
    byId("scene-note").hidden = false;
    byId("scene-note").textContent = `No 3D in this browser: ${error.message}`;
  }
  dress();
  overlay.on = !run.film.drawn;
  const missing = run.film.kind === "beside" ? `${run.film.name} is not beside this page.` : "This browser cannot play the film.";
  video.addEventListener("error", () => { if (video.getAttribute("src")) playClock(missing); });
  if (loadFilm(video, run.film)) playFilm(); else playClock("No film in this page.");
  wireButtons(actions);
  wireKeys(actions);
  wireTracks(byId("tracks"), axis, actions);
  listSpans(run, byId("spans"), (frame) => { player.pause(); actions.seek(frame); });
  new ResizeObserver(() => dress()).observe(document.body);
  new ResizeObserver(() => overlay.draw(state.frame, shownPeople())).observe(byId("picture"));
  window.viewer = { run, state, actions, axis, get player() { return player; }, get scene() { return scene; } }; // for the console
  root.dataset.ready = "true";
}

begin();
