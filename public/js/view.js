// What the page looks at, and the one place that draws. Announces `time`, `change`, `second`.

import {at, parsed, span, Teller, text} from './format.js'
import {t, TEXTS} from './i18n.js'
import {stored} from './store.js'

const KEY = 'rtstat.view'
const BUDGET = 8

class View extends Teller {
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

	toggleFreeze() {
		const now = Date.now()
		this.set({frozenAt: now, frozen: this.frozen === null ? now : null, cursor: null}, 'change', 'time')
	}

	/** @param {Partial<View>} change @param {string[]} events */
	set(change, ...events) {
		Object.assign(this, change)
		this.tell(...events)
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

/** Icon and word. @type {Record<string, any[]>} */
const STATES = {
	stopped: ['pause', 'Stopped'], connecting: ['wait', 'Connecting'], waiting: ['wait', 'Waiting for data'],
	live: ['live', 'Live'], frozen: ['freeze', 'Frozen'],
	stale: ['warning', 'Stale for {s}'], token: ['lock', 'Wrong token'], full: ['off', 'Too many clients'],
	origin: ['lock', 'Origin refused'], mixed: ['lock', 'Needs wss'],
	refused: ['critical', 'Refused'], unreachable: ['critical', 'Unreachable'], crowd: ['off', 'Too many connections'],
	restarting: ['retry', 'Restarting'],
	closed: ['off', 'Disconnected'], flood: ['critical', 'Too much data'],
}

export function describe(server) {
	const {client: {phase, detail, retryAt, legacy, dropped}, missed} = server
	const stale = server.staleFor()
	const id = stale ? 'stale' : phase === 'live' && view.frozen !== null ? 'frozen' : phase
	const [icon, word] = STATES[id]
	const values = {s: span(stale), detail: text(detail, 160), url: server.url}
	const notes = [TEXTS.has(`note.${id}`) && t(`note.${id}`, values), retryAt && t('Next try in {s}.', {s: span((retryAt - Date.now()) / 1000)}),
		phase === 'live' && legacy && t('legacy'),
		...Object.entries({missed, ...dropped}).map(([key, n]) => n && t(key, {n}))]
	return {id, icon, word: t(word, values), note: notes.filter(Boolean).join(' ').trim()}
}

/** @param {Server} server */
export const alarm = ({alerts: {level, active}}) => level && `${t(level)}: ${[...active.keys()].map(key => t(key)).join(', ')}`

/** Why figures of some plugins are missing, or whose they are. */
export const remarks = ({client, push}, names) => names.split(' ').flatMap(name => {
	const about = client.info?.plugins.get(name)
	const said = [text(at(about, 'reason')), text(at(about, 'note')), at(push, name, 'by') === 'self' && t('own view')].filter(Boolean)
	return said.length ? `${text(name, 40)}: ${said.join(', ')}` : []
}).join(' · ')

export function matches(server) {
	if (!view.filter) return true
	const {id, name} = server.config
	const words = `${id} ${name} ${server.url} ${text(server.client.info?.host)} ${describe(server).word} ${alarm(server)}`.toLowerCase()
	return view.filter.split(/\s+/).every(word => words.includes(word))
}
