// The orbitable scene. It is drawn only when something has changed.

const VIEWS = { film: [0, 13], side: [90, 13], back: [180, 13], top: [0, 88] }; // degrees around and above
const OPENING = 36; // degrees from the picture's top to its bottom

class Scene3D {
  constructor(holder, labels, run) {
    Object.assign(this, { holder, labels, run, bodies: new Map(), tags: new Map(), frame: 0, follow: null });
    this.renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true });
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    holder.prepend(this.renderer.domElement);
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(OPENING, 1, 0.05, 200);
    this.camera.up.set(0, 0, 1);
    this.extent = extentOf(run);
    this.room = new Room(this.scene, this.extent.radius);
    this.shapes = bodyShapes(run.skeleton);
    this.orbit = new THREE.OrbitControls(this.camera, this.renderer.domElement);
    this.orbit.maxPolarAngle = Math.PI / 2 + 0.05; // not far below the floor
    this.orbit.minDistance = 0.6;
    this.orbit.maxDistance = 60;
    this.orbit.addEventListener("change", () => this.ask());
    new ResizeObserver(() => this.resize()).observe(holder);
    this.resize();
    this.look("film");
  }

  resize() {
    const width = Math.max(1, this.holder.clientWidth), height = Math.max(1, this.holder.clientHeight);
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio || 1, 2));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.ask();
  }

  // Turns to one of VIEWS, at the distance at which everything is seen.
  look(name) {
    const [around, above] = VIEWS[name].map((degrees) => degrees * Math.PI / 180);
    const half = OPENING / 2 * Math.PI / 180;
    const narrow = Math.min(half, Math.atan(Math.tan(half) * this.camera.aspect));
    // A little nearer than the ball asks for: people fill a box, not the ball around it.
    const distance = Math.min(0.9 * this.extent.radius / Math.sin(narrow), 0.9 * this.orbit.maxDistance);
    const flat = Math.cos(above) * distance;
    this.orbit.target.copy(this.extent.centre);
    this.camera.position.set(Math.sin(around) * flat, -Math.cos(around) * flat, Math.sin(above) * distance).add(this.extent.centre);
    this.followed = null;
    this.orbit.update();
    this.ask();
  }

  dress(theme) {
    this.room.dress(theme, this.extent.centre);
    this.ask();
  }

  // Shows the people of a frame; `follow` is the person who is kept in the middle, or null.
  show(frame, people) {
    this.frame = frame;
    for (const body of this.bodies.values()) body.group.visible = body.path.visible = false;
    this.seen = [];
    for (const person of people) {
      const row = rowOf(this.run, person, frame), body = this.bodyOf(person);
      body.path.visible = true;
      if (row < 0) continue;
      body.group.visible = true;
      body.pose(this.run, row);
      this.seen.push({ person, body });
    }
    this.light();
    this.keepUp();
    this.draw();
  }

  bodyOf(person) {
    if (!this.bodies.has(person)) {
      const body = new Body(person, this.run.skeleton, this.shapes);
      body.path = pathLine(this.run, person);
      this.scene.add(body.group, body.path);
      this.bodies.set(person, body);
    }
    return this.bodies.get(person);
  }

  light() {
    const places = this.seen.map(({ body }) => body.at[0]);
    const middle = (axis) => places.reduce((sum, at) => sum + at[axis], 0) / Math.max(1, places.length);
    const x = middle("x"), y = middle("y");
    const reach = places.reduce((most, at) => Math.max(most, Math.hypot(at.x - x, at.y - y)), 0);
    this.room.lightAt(x, y, Math.ceil(reach));
  }

  keepUp() {
    const kept = this.seen.find(({ person }) => person === this.follow);
    if (!kept) { this.followed = null; return; }
    const at = kept.body.at[0].clone();
    const step = at.clone().sub(this.followed || this.orbit.target);
    step.z = 0;
    this.followed = at;
    this.camera.position.add(step);
    this.orbit.target.add(step);
    this.orbit.update();
  }

  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => { this.asked = false; this.draw(); });
  }

  draw() {
    this.renderer.render(this.scene, this.camera);
    this.tag();
  }

  // Names above heads, where there is more than one person.
  tag() {
    for (const tag of this.tags.values()) tag.hidden = true;
    if (this.run.people.length < 2) return;
    for (const { person, body } of this.seen || []) {
      if (!this.tags.has(person)) {
        const tag = document.createElement("span");
        tag.textContent = person.label;
        tag.style.color = person.mark;
        this.labels.append(tag);
        this.tags.set(person, tag);
      }
      const tag = this.tags.get(person), at = body.at[Math.max(0, this.shapes.head)].clone();
      at.z += 0.24;
      at.project(this.camera);
      tag.hidden = Math.abs(at.z) > 1;
      const x = (at.x + 1) / 2 * this.holder.clientWidth, y = (1 - at.y) / 2 * this.holder.clientHeight;
      tag.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -50%)`;
    }
  }
}

// The ball around everything that is ever seen; of long films a sample.
function extentOf(run) {
  const rows = run.valid.length, step = Math.max(1, Math.floor(rows / 20000));
  const low = [Infinity, Infinity, 0], high = [-Infinity, -Infinity, 1.2];
  for (let row = 0; row < rows; row += step) {
    if (!run.valid[row]) continue;
    for (let k = 3 * row * run.joints; k < 3 * (row + 1) * run.joints; k++) {
      const axis = k % 3, value = run.scales.positions * run.positions[k];
      if (value < low[axis]) low[axis] = value;
      if (value > high[axis]) high[axis] = value;
    }
  }
  if (low[0] > high[0]) return { centre: new THREE.Vector3(0, 0, 0.9), radius: 1.2 };
  const corner = new THREE.Vector3(...high), opposite = new THREE.Vector3(...low);
  return { centre: corner.clone().add(opposite).multiplyScalar(0.5), radius: Math.max(0.9, corner.distanceTo(opposite) / 2) };
}
