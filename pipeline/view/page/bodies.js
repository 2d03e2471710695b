// A person in 3D: round limbs between the joints, as thick as in the rendered film.

const UP = new THREE.Vector3(0, 1, 0); // the way a cylinder points
const SWELL = 1.06; // a joint's ball against the limbs that meet in it

// Shapes are the same for everyone.
function bodyShapes(skeleton) {
  const head = skeleton.joints.indexOf("head");
  const radius = (joint, limb) => skeleton.radii[joint] * (joint !== head && limb[1] === head ? 0.84 * skeleton.radii[head] / skeleton.radii[joint] : 1);
  return {
    head,
    limbs: skeleton.limbs.map((limb) => new THREE.CylinderGeometry(radius(limb[1], limb), radius(limb[0], limb), 1, 18, 1, true)),
    balls: skeleton.radii.map((r, joint) => new THREE.SphereGeometry(r * (skeleton.sides[joint] === "center" ? 1 : SWELL), 20, 14)),
  };
}

class Body {
  constructor(person, skeleton, shapes) {
    this.skeleton = skeleton;
    this.head = shapes.head;
    this.group = new THREE.Group();
    this.materials = this.tints(person, { roughness: 0.62 });
    this.faint = this.tints(person, { roughness: 0.62, transparent: true, opacity: 0.42, depthWrite: false });
    const mesh = (shape, side) => {
      const part = new THREE.Mesh(shape, this.materials[side]);
      part.castShadow = true;
      this.group.add(part);
      return part;
    };
    this.limbs = shapes.limbs.map((shape, limb) => mesh(shape, skeleton.limb_sides[limb]));
    this.balls = shapes.balls.map((shape, joint) => mesh(shape, skeleton.sides[joint]));
    this.at = skeleton.joints.map(() => new THREE.Vector3());
    this.way = new THREE.Vector3();
  }

  tints(person, how) {
    const sides = Object.entries(person.body);
    return Object.fromEntries(sides.map(([side, color]) => [side, new THREE.MeshStandardMaterial({ color, ...how })]));
  }

  // Takes the pose of a row: metres, z up.
  pose(run, row) {
    const unit = run.scales.positions;
    this.at.forEach((at, joint) => {
      const k = 3 * (row * run.joints + joint);
      at.set(unit * run.positions[k], unit * run.positions[k + 1], unit * run.positions[k + 2]);
    });
    this.drawIn();
    const sure = (joint) => run.scores[row * run.joints + joint] >= 255 * FAINT_SCORE;
    this.balls.forEach((ball, joint) => {
      ball.position.copy(this.at[joint]);
      ball.material = (sure(joint) ? this.materials : this.faint)[this.skeleton.sides[joint]];
    });
    this.limbs.forEach((limb, index) => {
      const [a, b] = this.skeleton.limbs[index];
      this.way.subVectors(this.at[b], this.at[a]);
      const length = Math.max(this.way.length(), 1e-6);
      limb.position.copy(this.at[a]).addScaledVector(this.way, 0.5);
      limb.quaternion.setFromUnitVectors(UP, this.way.divideScalar(length));
      limb.scale.set(1, length, 1);
      limb.material = (sure(a) && sure(b) ? this.materials : this.faint)[this.skeleton.limb_sides[index]];
    });
  }

  // The outer joint of the head is its top; the ball of the skull ends there.
  drawIn() {
    if (this.head < 0) return;
    const [chin] = this.skeleton.limbs.find((limb) => limb[1] === this.head);
    this.way.subVectors(this.at[this.head], this.at[chin]);
    const length = Math.max(this.way.length(), 1e-6);
    this.at[this.head].addScaledVector(this.way, -Math.min(this.skeleton.radii[this.head], 0.9 * length) / length);
  }
}
