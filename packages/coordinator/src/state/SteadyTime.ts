// The time that facts are stamped with: the wall clock without its steps. Owns that it never goes back and that a span of it
// is as long as it really was, to a tenth: hours of a budget and durations of a report are differences of these stamps.
// A step of the wall clock is caught up with slowly, as adjtime(3) does it.

/** Faster or slower than real time by at most this share, while the wall clock is elsewhere. */
const slew = 0.1
/** A store whose last stamp is further ahead than this, in milliseconds, was written under a clock that was wrong. */
const plausible = 86_400_000

export class SteadyTime {
  private at: number
  private since: number

  /** `wall` in milliseconds since the Unix epoch, `elapsed` on a monotonic clock, `last` the newest stamp there is. */
  constructor(wall: number, elapsed: number, last: number) {
    this.at = last > wall && last - wall < plausible ? last : wall
    this.since = elapsed
  }

  now(wall: number, elapsed: number): number {
    const passed = Math.max(0, elapsed - this.since)
    this.since += passed
    const most = passed * slew
    const off = wall - (this.at + passed)
    this.at += passed + Math.min(most, Math.max(-most, off))
    return Math.round(this.at)
  }
}
