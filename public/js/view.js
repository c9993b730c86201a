// What the whole page looks at, and the one place that draws. Announces `time` when the shown instant moves, `change` for the
// rest, `second` once a second.

import { stored } from './store.js'
import { parsed } from './values.js'

const KEY = 'rtstat.view'
/** What one frame may cost, in milliseconds; the rest waits for the next. */
const BUDGET = 8
const local = () => localStorage

class View extends EventTarget {
	/** The right edge of the strips while frozen, milliseconds; null while live. */
	frozen = /** @type {number|null} */ (null)
	frozenAt = 0
	/** The instant that is read off. */
	cursor = /** @type {number|null} */ (null)
	filter = ''
	editing = false
	/** What is remembered. */
	taste = { theme: 'system', sort: 'none', compact: false, notify: false, open: /** @type {Record<string, boolean>} */ ({}) }

	constructor() {
		super()
		const kept = parsed(stored(local, KEY))
		for (const key of Object.keys(this.taste)) if (kept?.[key] && typeof kept[key] === typeof this.taste[key]) this.taste[key] = kept[key]
		setInterval(() => this.tell('second'), 1000)
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

/** Asks for a turn: once an animation frame, which hidden tabs have none of; the longest waiting first. @param {() => void} draw */
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
