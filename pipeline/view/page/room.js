// The room: a floor with a grid of metres that fades outwards, light from the upper left, everyone's path.

const ROOM = {
  dark: { line: "#8ea0c4", line_alpha: 0.42, shadow: 0.5, sky: "#dfe9ff", earth: "#4d5568", ambient: 1.5, sun: 2.1 },
  light: { line: "#5a6780", line_alpha: 0.4, shadow: 0.22, sky: "#ffffff", earth: "#b9bfca", ambient: 2.0, sun: 1.7 },
};

class Room {
  constructor(scene, radius) {
    this.scene = scene;
    this.radius = Math.ceil(radius + 3);
    this.sky = new THREE.HemisphereLight("#fff", "#888", 1.5);
    this.sky.position.set(0, 0, 1);
    this.sun = new THREE.DirectionalLight("#fff", 2);
    this.sun.castShadow = true;
    this.sun.shadow.mapSize.set(1024, 1024);
    this.sun.shadow.radius = 4;
    this.floor = new THREE.Mesh(new THREE.PlaneGeometry(2, 2), new THREE.ShadowMaterial());
    this.floor.receiveShadow = true;
    scene.add(this.sky, this.sun, this.sun.target, this.floor);
  }

  // Light falls on where people are, so that a shadow is sharp however large the room; beyond it no floor is drawn,
  // because looking shadows up is what costs most.
  lightAt(x, y, reach) {
    this.sun.target.position.set(x, y, 0.8);
    this.sun.position.set(x - 2.4, y - 2.6, 6);
    const box = this.sun.shadow.camera, half = Math.max(2, reach + 1.6);
    this.floor.position.set(x + 0.8, y + 0.9, -0.002); // shadows fall away from the light
    this.floor.scale.set(half, half, 1);
    if (box.right !== half) {
      Object.assign(box, { left: -half, right: half, top: half, bottom: -half, near: 0.5, far: 16 + half });
      box.updateProjectionMatrix();
    }
  }

  dress(theme, centre) {
    const look = ROOM[theme];
    this.sky.color.set(look.sky);
    this.sky.groundColor.set(look.earth);
    this.sky.intensity = look.ambient;
    this.sun.intensity = look.sun;
    this.floor.material.opacity = look.shadow;
    if (this.grid) { this.scene.remove(this.grid); this.grid.geometry.dispose(); }
    this.grid = gridLines(this.radius, look);
    this.grid.position.set(Math.round(centre.x), Math.round(centre.y), 0);
    this.scene.add(this.grid);
  }
}

// Lines a metre apart, cut at every metre so that each piece can fade by how far out it lies.
function gridLines(radius, look) {
  const places = [], colors = [], color = new THREE.Color(look.line);
  const add = (x, y) => {
    places.push(x, y, 0);
    const fade = Math.max(0, 1 - Math.hypot(x, y) / radius);
    colors.push(color.r, color.g, color.b, look.line_alpha * fade * Math.sqrt(fade));
  };
  for (let i = -radius; i <= radius; i++) {
    for (let j = -radius; j < radius; j++) {
      if (Math.hypot(i, j) > radius) continue;
      add(i, j); add(i, j + 1);
      add(j, i); add(j + 1, i);
    }
  }
  const shape = new THREE.BufferGeometry();
  shape.setAttribute("position", new THREE.BufferAttribute(new Float32Array(places), 3));
  shape.setAttribute("color", new THREE.BufferAttribute(new Float32Array(colors), 4));
  return new THREE.LineSegments(shape, new THREE.LineBasicMaterial({ vertexColors: true, transparent: true, depthWrite: false }));
}

// Where a person's pelvis went, on the floor; gaps stay gaps.
function pathLine(run, person) {
  const places = [], unit = run.scales.positions;
  const step = Math.max(1, Math.floor(person.count / 4000));
  const at = (row) => places.push(unit * run.positions[3 * row * run.joints], unit * run.positions[3 * row * run.joints + 1], 0.004);
  for (let i = step; i < person.count; i += step) {
    const before = person.row + i - step, now = person.row + i;
    if (run.valid[before] && run.valid[now]) { at(before); at(now); }
  }
  const shape = new THREE.BufferGeometry();
  shape.setAttribute("position", new THREE.BufferAttribute(new Float32Array(places), 3));
  return new THREE.LineSegments(shape, new THREE.LineBasicMaterial({ color: person.mark, transparent: true, opacity: 0.55 }));
}
