// When a figure is worth a shout: above its level for the whole hold time. Pure; the caller brings the clock.

/** @typedef {import('./types.js').Level} Level */

/** Critical from three fifths of the way between the level and full. */
const criticalAt = (level) => level + (100 - level) * 0.6

export class Alerts {
	since = /** @type {Map<string, number>} */ (new Map())
	/** What is being said now, by figure. */
	active = /** @type {Map<string, Level>} */ (new Map())

	/**
	 * @param {Record<string, number>} ratios NaN where there is none
	 * @param {import('./types.js').Thresholds} levels
	 * @param {number} now milliseconds
	 * @returns {boolean} whether what is said has changed
	 */
	update(ratios, levels, now) {
		const before = [...this.active].join()
		for (const figure of ['cpu', 'memory', 'swap']) {
			const percent = ratios[figure] * 100
			if (!(percent >= levels[figure])) {
				this.since.delete(figure)
				this.active.delete(figure)
				continue
			}
			const since = this.since.get(figure) ?? now
			this.since.set(figure, since)
			if (now - since >= levels.hold * 1000) this.active.set(figure, percent >= criticalAt(levels[figure]) ? 'critical' : 'warning')
		}
		return [...this.active].join() !== before
	}

	/** The worst of what is said. @returns {Level} */
	get level() {
		const levels = [...this.active.values()]
		return levels.includes('critical') ? 'critical' : levels.length ? 'warning' : 'ok'
	}

	clear() {
		this.since.clear()
		this.active.clear()
	}
}
