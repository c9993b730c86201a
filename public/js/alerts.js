// When a figure is worth a shout: above its level for the whole hold time.

// Critical from three fifths of the way up.
const criticalAt = level => level + (100 - level) * 0.6

export class Alerts {
	since = new Map()
	active = new Map()

	/** @param {Record<string, number>} ratios @param {Thresholds} levels @param {number} now */
	update(ratios, levels, now) {
		const before = [...this.active].join()
		this.active.clear()
		for (const figure of ['cpu', 'memory', 'swap']) {
			const [percent, level] = [ratios[figure] * 100, levels[figure]]
			const held = this.since.get(figure) ?? NaN
			const since = !(percent >= level) ? NaN : held === held ? held : now
			this.since.set(figure, since)
			if (now - since >= levels.hold * 1000) this.active.set(figure, percent >= criticalAt(level) ? 'critical' : 'warning')
		}
		return [...this.active].join() !== before
	}

	/** @returns {Level} */
	get level() {
		const levels = [...this.active.values()]
		return levels.includes('critical') ? 'critical' : levels.length ? 'warning' : 'ok'
	}

	clear() {
		this.since.clear()
		this.active.clear()
	}
}
