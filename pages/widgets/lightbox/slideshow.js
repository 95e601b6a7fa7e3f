// Shows the next photo after some seconds; no DOM.

export const INTERVALS_S = [3, 5, 10];

/** Waits for each picture before it counts the seconds. */
export class Slideshow {
  /**
   * @param {() => boolean} advance shows the next photo; false ends the slideshow
   * @param {() => void} onChange called when it starts or stops
   * @param {{set: (callback: () => void, ms: number) => unknown, clear: (timer: unknown) => void}}
   *   timers
   */
  constructor(advance, onChange, timers) {
    this.advance = advance;
    this.onChange = onChange;
    this.timers = timers;
    this.isPlaying = false;
    this.seconds = INTERVALS_S[1];
  }

  start() {
    this.isPlaying = true;
    this.onChange();
    this.wait();
  }

  stop() {
    this.timers.clear(this.timer);
    if (!this.isPlaying) return;
    this.isPlaying = false;
    this.onChange();
  }

  /** A picture is on the screen. */
  wait() {
    this.timers.clear(this.timer);
    if (!this.isPlaying) return;
    this.timer = this.timers.set(() => {
      if (!this.advance()) this.stop();
    }, this.seconds * 1000);
  }

  /** Take the next interval. */
  changeInterval() {
    this.seconds = INTERVALS_S[(INTERVALS_S.indexOf(this.seconds) + 1) % INTERVALS_S.length];
    this.onChange();
    this.wait();
  }
}
