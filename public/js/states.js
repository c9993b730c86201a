// The states of a server in words.

import {span} from './format.js'
import {t} from './i18n.js'
import {text} from './values.js'
import {view} from './view.js'

/** Icon, word, whether a sentence goes with it. @type {Record<string, any[]>} */
const STATES = {
	stopped: ['pause', 'Stopped'], connecting: ['wait', 'Connecting'], waiting: ['wait', 'Waiting for the first push'], live: ['live', 'Live'], frozen: ['freeze', 'Frozen'],
	stale: ['warning', 'Stale for {s}'], token: ['lock', 'Wrong token', true], full: ['off', 'Too many clients', true], origin: ['lock', 'Origin refused', true], mixed: ['lock', 'Needs wss', true],
	refused: ['critical', 'Refused', true], unreachable: ['off', 'Unreachable', true], crowd: ['off', 'Too many connections', true], restarting: ['retry', 'Restarting', true],
	closed: ['off', 'Disconnected', true], flood: ['critical', 'Too much data', true],
}

export function describe(server, now = Date.now()) {
	const {client: {phase, detail, retryAt, legacy, dropped}, missed} = server
	const stale = server.staleFor(now)
	const id = stale ? 'stale' : phase === 'live' && view.frozen !== null ? 'frozen' : phase
	const [icon, word, noted] = STATES[id]
	const values = {s: span(stale), detail: text(detail, 160), url: server.url}
	const counts = Object.entries({missed, ...dropped}).map(([key, n]) => n && t(key, {n}))
	const notes = [noted && t(`note.${id}`, values), retryAt && t('Next try in {s}.', {s: span((retryAt - now) / 1000)}), phase === 'live' && legacy && t('legacy'), ...counts]
	return {id, icon, word: t(word, values), note: notes.filter(Boolean).join(' ').trim()}
}

/** @param {Server} server */
export const alarm = ({alerts: {level, active}}) => level === 'ok' ? '' : `${t(level)}: ${[...active.keys()].map(key => t(key)).join(', ')}`

export function matches(server, filter) {
	const {id, name} = server.config
	const words = `${id} ${name} ${server.url} ${text(server.client.info?.host)} ${describe(server).word} ${alarm(server)}`.toLowerCase()
	return filter.split(/\s+/).every(word => words.includes(word))
}
