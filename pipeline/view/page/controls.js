// Buttons, fields, keys and the pointer on the tracks; each calls one of main's `actions`.

const KEYS = [
  ["space", "play, pause"], ["\u2190 \u2192", "one frame; with shift one second"], ["home end", "first, last frame"],
  ["n p", "next, previous span of low trust"], ["[ ]", "slower, faster"], ["l", "begin again at the end"], ["m", "sound"],
  ["1 \u2026 9", "people on and off"], ["a", "next joint's angle"], ["v", "next view"], ["f", "follow the chosen person"],
  ["o", "2D key points"], ["+ \u2212 0", "zoom in time; ctrl and wheel too"], ["t", "light, dark"], ["?", "this list"],
];

const byId = (id) => document.getElementById(id);
const pressed = (button, on) => button.setAttribute("aria-pressed", String(on));

function wireButtons(actions) {
  const clicks = {
    play: actions.toggle, back: () => actions.step(-1), on: () => actions.step(1), loop: actions.loop, mute: actions.mute,
    theme: actions.theme, help: actions.help, follow: actions.follow, "overlay-toggle": actions.overlay,
    "zoom-in": () => actions.zoom(0.5), "zoom-out": () => actions.zoom(2), "zoom-fit": actions.fit,
  };
  for (const [id, act] of Object.entries(clicks)) byId(id).addEventListener("click", () => act());
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => actions.view(button.dataset.view));
  }
  byId("speed").addEventListener("change", (event) => actions.speed(Number(event.target.value)));
  byId("frame").addEventListener("change", (event) => actions.seek(Math.round(Number(event.target.value)) || 0));
  byId("film-file").addEventListener("change", (event) => { if (event.target.files[0]) actions.film(event.target.files[0]); });
}

function wireKeys(actions) {
  const keys = {
    " ": actions.toggle, Home: () => actions.seek(0), End: () => actions.seek(Infinity), l: actions.loop, m: actions.mute,
    t: actions.theme, f: actions.follow, o: actions.overlay, v: () => actions.view(), a: () => actions.joint(),
    n: () => actions.span(1), p: () => actions.span(-1), "[": () => actions.faster(-1), "]": () => actions.faster(1),
    "+": () => actions.zoom(0.5), "=": () => actions.zoom(0.5), "-": () => actions.zoom(2), 0: actions.fit, "?": actions.help,
    ArrowLeft: (event) => (event.shiftKey ? actions.seconds(-1) : actions.step(-1)),
    ArrowRight: (event) => (event.shiftKey ? actions.seconds(1) : actions.step(1)),
  };
  for (let k = 1; k <= 9; k++) keys[k] = () => actions.person(k - 1);
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
    if (event.target.closest("input, select")) return;
    if (event.key === " " && event.target.closest("button, summary")) return; // the browser's own click
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act(event);
  });
  const list = document.querySelector("#keys dl");
  for (const [key, what] of KEYS) {
    const term = document.createElement("dt"), told = document.createElement("dd");
    for (const one of key.split(" ")) {
      const cap = document.createElement("kbd");
      cap.textContent = one;
      term.append(cap, " ");
    }
    told.textContent = what;
    list.append(term, told);
  }
}

// Pressing and drawing on the timeline or a plot scrubs; ctrl and wheel zooms, a sideways wheel moves on.
function wireTracks(tracks, axis, actions) {
  const at = (event) => axis.seconds(event.clientX - tracks.getBoundingClientRect().left - tracks.clientLeft);
  for (const track of tracks.querySelectorAll(".track")) {
    track.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      track.setPointerCapture(event.pointerId);
      actions.scrub(at(event));
    });
    track.addEventListener("pointermove", (event) => { if (track.hasPointerCapture(event.pointerId)) actions.scrub(at(event)); });
    track.addEventListener("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) axis.zoom(Math.exp(0.003 * event.deltaY), at(event));
      else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        axis.place(axis.from + event.deltaX * (axis.to - axis.from) / axis.width, axis.to - axis.from);
      } else return;
      event.preventDefault();
    }, { passive: false });
  }
}

function listPeople(run, actions) {
  for (const [index, person] of run.people.entries()) {
    const button = document.createElement("button"), dot = document.createElement("i");
    button.type = "button";
    button.style.setProperty("--mark", person.mark);
    button.title = index < 9 ? `On and off (${index + 1})` : "On and off";
    pressed(button, true);
    button.append(dot, run.people.length > 1 ? `Person ${person.label}` : "Person");
    button.addEventListener("click", () => actions.person(index));
    byId("people").append(button);
    const option = document.createElement("option");
    option.value = String(index);
    option.textContent = `person ${person.label}`;
    byId("chosen").append(option);
  }
  byId("of-whom").hidden = run.people.length < 2;
  byId("chosen").addEventListener("change", (event) => actions.choose(Number(event.target.value)));
}

function listJoints(run, actions) {
  for (const joint of new Set(run.angle_names.map((angle) => angle.joint))) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.joint = joint;
    button.textContent = joint[0].toUpperCase() + joint.slice(1);
    button.addEventListener("click", () => actions.joint(joint));
    byId("joints").append(button);
  }
}

// A legend of coloured strokes with the value at the playhead; returns a function that sets the values.
function legend(holder, entries) {
  holder.replaceChildren();
  const values = entries.map(({ name, color, kind }) => {
    const entry = document.createElement("span"), stroke = document.createElement("i"), value = document.createElement("b");
    if (color) stroke.style.setProperty("--mark", color);
    stroke.className = kind || "";
    entry.append(stroke, name, " ", value);
    holder.append(entry);
    return value;
  });
  return (texts) => texts.forEach((text, index) => { if (values[index].textContent !== text) values[index].textContent = text; });
}
