// Two players with one face: by the film's own frames, and by a clock where there is no film.
//   play(), pause(), seek(frame), playing, speed, loop; `shown(frame)` is called when a frame is on the screen.

class FilmPlayer {
  constructor(video, run, shown, changed) {
    Object.assign(this, { video, run, shown, wanted: 0, queued: null, busy: false });
    for (const name of ["play", "pause", "ended"]) video.addEventListener(name, changed);
    video.addEventListener("seeked", () => this.seeked());
    if (video.requestVideoFrameCallback) this.watchFrames(); else this.watchClock();
  }

  get playing() { return !this.video.paused && !this.video.ended; }
  set speed(value) { this.video.playbackRate = this.video.defaultPlaybackRate = value; }
  set loop(value) { this.video.loop = value; }
  play() { this.video.play().catch(() => {}); } // stopped before it began: nothing to tell
  pause() { this.video.pause(); }

  // One jump at a time, then the latest that was asked for: scrubbing never lags behind.
  seek(frame) {
    this.wanted = frame;
    if (this.busy) { this.queued = frame; return; }
    this.busy = true;
    clearTimeout(this.timer);
    // The middle of the frame: its edges may be rounded to a neighbour.
    this.video.currentTime = (this.run.times[frame] + endOf(this.run, frame)) / 2;
  }

  seeked() {
    this.busy = false;
    const next = this.queued;
    this.queued = null;
    if (next !== null && next !== frameAt(this.run.times, this.video.currentTime)) { this.seek(next); return; }
    this.settle(performance.now());
  }

  // A jump within the frame that is shown brings no new frame, and some browsers tell of none: then the clock says it.
  settle(since) {
    this.timer = setTimeout(() => {
      if (!this.playing && !(this.told > since)) this.tell(frameAt(this.run.times, this.video.currentTime));
    }, 120);
  }

  watchFrames() {
    const next = (_, about) => {
      this.tell(frameNear(this.run.times, about.mediaTime));
      this.video.requestVideoFrameCallback(next);
    };
    this.video.requestVideoFrameCallback(next);
  }

  watchClock() {
    const next = () => {
      if (!this.playing) return;
      if (!this.busy) this.tell(frameAt(this.run.times, this.video.currentTime));
      requestAnimationFrame(next);
    };
    this.video.addEventListener("play", () => requestAnimationFrame(next));
  }

  tell(frame) {
    this.told = performance.now();
    if (!this.busy) this.wanted = frame;
    this.shown(frame);
  }
}

class ClockPlayer {
  constructor(run, shown, changed) {
    Object.assign(this, { run, shown, changed, wanted: 0, playing: false, rate: 1, loop: false });
  }

  set speed(value) { this.rate = value; this.start(); }

  play() {
    if (this.playing) return;
    if (this.wanted === this.run.frames - 1) this.seek(0);
    this.playing = true;
    this.start();
    this.changed();
    requestAnimationFrame((now) => this.tick(now));
  }

  pause() { this.playing = false; this.changed(); }
  seek(frame) { this.wanted = frame; this.start(); this.shown(frame); }
  start() { this.from = this.run.times[this.wanted]; this.began = performance.now(); }

  tick(now) {
    if (!this.playing) return;
    const seconds = this.from + Math.max(0, now - this.began) / 1000 * this.rate;
    if (seconds >= endOf(this.run, this.run.frames - 1)) {
      if (!this.loop) { this.seek(this.run.frames - 1); this.pause(); return; }
      this.seek(0);
    } else {
      const frame = frameAt(this.run.times, seconds);
      if (frame !== this.wanted) { this.wanted = frame; this.shown(frame); }
    }
    requestAnimationFrame((later) => this.tick(later));
  }
}

// Gives the video its film, from inside the page or beside it; false where there is none.
function loadFilm(video, about) {
  if (about.kind === "inside") {
    const bytes = decodeBase64(takeBlock("film-data"));
    video.src = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
  } else if (about.kind === "beside") {
    video.src = about.url;
  }
  return about.kind !== "none";
}
