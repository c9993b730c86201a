// When a figure is worth a shout: above its level for the whole hold time. Pure; the caller brings the clock.

/** @typedef {import('./types.js').Level} Level */
/** @typedef {import('./types.js').Thresholds} Thresholds */

const FIGURES = /** @type {const} */ (['cpu', 'memory', 'swap'])

/**
 * From here on a figure is critical: three fifths of the way from its level to full.
 * @param {number} level percent
 */
export function criticalAt(level) {
  return level + (100 - level) * 0.6
}

export class Alerts {
  constructor() {
    /** Since when each figure is above its level. @type {Map<string, number>} */
    this.since = new Map()
    /** What is being said now, by figure. @type {Map<string, Level>} */
    this.active = new Map()
  }

  /**
   * @param {Record<string, number>} ratios figures as ratios 0 to 1; NaN where there is none
   * @param {Thresholds} levels
   * @param {number} now milliseconds
   * @returns {boolean} whether what is said has changed
   */
  update(ratios, levels, now) {
    let changed = false
    for (const figure of FIGURES) {
      const percent = (ratios[figure] ?? NaN) * 100
      /** @type {Level|undefined} */
      let level
      if (percent >= levels[figure]) {
        const since = this.since.get(figure) ?? now
        this.since.set(figure, since)
        if (now - since >= levels.hold * 1000) level = percent >= criticalAt(levels[figure]) ? 'critical' : 'warning'
      } else {
        this.since.delete(figure)
      }
      if (this.active.get(figure) !== level) {
        changed = true
        if (level) this.active.set(figure, level)
        else this.active.delete(figure)
      }
    }
    return changed
  }

  /** The worst of what is said. @returns {Level} */
  get level() {
    const levels = [...this.active.values()]
    return levels.includes('critical') ? 'critical' : levels.length ? 'warning' : 'ok'
  }

  /** A server that is not heard says nothing about its figures. */
  clear() {
    this.since.clear()
    this.active.clear()
  }
}
