// What the whole page looks at: live or frozen, the instant that is read off, filter, order, theme. Announces `time` when the
// shown instant moves and `change` for the rest. Also the one place that draws: once per animation frame, nothing while hidden.

import { stored } from './store.js'

const KEY = 'rtstat.view'
/** What one frame may cost, in milliseconds; the rest waits for the next. */
const BUDGET = 12
const local = () => localStorage

class View extends EventTarget {
	constructor() {
		super()
		/** The right edge of the strips while frozen, milliseconds; null while live. */
		this.frozen = /** @type {number|null} */ (null)
		this.frozenAt = 0
		/** The instant that is read off. */
		this.cursor = /** @type {number|null} */ (null)
		this.filter = ''
		this.editing = false
		/** What is remembered. */
		this.taste = { theme: 'system', sort: 'none', compact: false, notify: false, open: /** @type {Record<string, boolean>} */ ({}) }
		try {
			const kept = JSON.parse(stored(local, KEY) ?? '{}')
			for (const key of Object.keys(this.taste)) if (typeof kept[key] === typeof this.taste[key] && kept[key] !== null) this.taste[key] = kept[key]
		} catch {
			// What can't be read is forgotten.
		}
	}

	tell(...names) {
		for (const name of names) this.dispatchEvent(new Event(name))
	}

	setCursor(time) {
		if (time === this.cursor) return
		this.cursor = time
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
		stored(local, KEY, JSON.stringify(this.taste))
		this.tell('change')
	}
}

export const view = new View()

const waiting = /** @type {Set<() => void>} */ (new Set())
let asked = 0

/** Asks for a turn; the same function gets one once a frame. @param {() => void} draw */
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

const beats = /** @type {Set<() => void>} */ (new Set())
let timer = 0

/** Calls once a second, for what changes by time alone. @param {() => void} beat @returns {() => void} ends it */
export function everySecond(beat) {
	beats.add(beat)
	timer ||= setInterval(() => beats.forEach((one) => one()), 1000)
	return () => beats.delete(beat)
}
