// What the page looks at, and the one place that draws. Announces `time`, `change`, `second`.

import {stored} from './store.js'
import {parsed, Teller} from './values.js'

const KEY = 'rtstat.view'
const BUDGET = 8

class View extends Teller {
	/** The right edge of the strips while frozen. */
	frozen = /** @type {number|null} */ (null)
	frozenAt = 0
	cursor = /** @type {number|null} */ (null)
	filter = ''
	editing = false
	taste = {theme: 'system', sort: 'none', compact: false, notify: false, open: {}}

	constructor() {
		super()
		const kept = parsed(stored('localStorage', KEY))
		for (const key of Object.keys(this.taste)) if (kept?.[key] && typeof kept[key] === typeof this.taste[key]) this.taste[key] = kept[key]
		setInterval(() => this.tell('second'), 1000)
	}

	setCursor(cursor) {
		if (cursor === this.cursor) return
		this.cursor = cursor
		this.tell('time')
	}

	toggleFreeze() {
		this.frozenAt = Date.now()
		this.frozen = this.frozen === null ? this.frozenAt : null
		this.cursor = null
		this.tell('change', 'time')
	}

	scrub(end) {
		this.frozen = end
		this.tell('time')
	}

	/** @param {Partial<View>} change */
	set(change) {
		Object.assign(this, change)
		this.tell('change')
	}

	/** @param {Partial<View['taste']>} change */
	setTaste(change) {
		Object.assign(this.taste, change)
		stored('localStorage', KEY, JSON.stringify(this.taste))
		this.tell('change')
	}
}

export const view = new View()

const waiting = new Set()
let asked = 0

/** Once an animation frame, which hidden tabs have none of. @param {() => void} draw */
export function request(draw) {
	waiting.add(draw)
	asked ||= requestAnimationFrame(flush)
}

function flush() {
	const until = performance.now() + BUDGET
	for (const draw of waiting) {
		waiting.delete(draw)
		try {
			draw()
		} catch (error) {
			reportError(error)
		}
		if (performance.now() > until) break
	}
	asked = waiting.size ? requestAnimationFrame(flush) : 0
}
