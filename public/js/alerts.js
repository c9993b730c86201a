// When a figure is worth a shout: above its level for the whole hold time. Pure; the caller brings the clock.

/** @typedef {import('./types.js').Level} Level */

/** Critical from three fifths of the way between the level and full. @param {number} level percent */
export const criticalAt = (level) => level + (100 - level) * 0.6

export class Alerts {
	constructor() {
		this.since = /** @type {Map<string, number>} */ (new Map())
		/** What is being said now, by figure. */
		this.active = /** @type {Map<string, Level>} */ (new Map())
	}

	/**
	 * @param {Record<string, number>} ratios NaN where there is none
	 * @param {import('./types.js').Thresholds} levels
	 * @param {number} now milliseconds
	 * @returns {boolean} whether what is said has changed
	 */
	update(ratios, levels, now) {
		let changed = false
		for (const figure of ['cpu', 'memory', 'swap']) {
			const percent = ratios[figure] * 100
			const above = percent >= levels[figure]
			if (!above) this.since.delete(figure)
			else if (!this.since.has(figure)) this.since.set(figure, now)
			const held = above && now - /** @type {number} */ (this.since.get(figure)) >= levels.hold * 1000
			const level = held ? (percent >= criticalAt(levels[figure]) ? 'critical' : 'warning') : undefined
			if (this.active.get(figure) === level) continue
			changed = true
			if (level) this.active.set(figure, level)
			else this.active.delete(figure)
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
