// One server's card: state, facts, strips, sections. Draws only while it is in view, once per frame; its name and its state
// stand there always, for those who jump to it, search for it or have it read out.

import { check, h, icon, iconButton, redraw, setAttr, setIconButton, setText } from '../dom.js'
import { digits, NONE, span } from '../format.js'
import { t } from '../i18n.js'
import { SECTIONS } from '../sections/index.js'
import { store } from '../store.js'
import { amount, at, text } from '../values.js'
import { everySecond, request, view } from '../view.js'
import { cardTools, openServerDialog } from './editor.js'
import { RtStrips } from './rt-strips.js'

/** @typedef {import('../server.js').Server} Server */

/** With more servers than this the sections start closed. */
const FEW = 6
const ICONS = { stopped: 'pause', connecting: 'wait', waiting: 'wait', live: 'live', stale: 'warning', token: 'lock', origin: 'lock', mixed: 'lock',
	refused: 'critical', restarting: 'retry', flood: 'critical', frozen: 'freeze' }
/** States that need no sentence. */
const PLAIN = ['live', 'frozen', 'connecting', 'waiting', 'stale', 'stopped']
/** Events that change nothing in the head of a card. */
const OFTEN = ['push', 'time']
let nextId = 0

/** A server's state: an id for the sheet, an icon, a word, and what there is to say. @param {Server} server */
export function describe(server, now = Date.now()) {
	const { client, missed } = server
	const stale = server.staleFor(now)
	const id = stale ? 'stale' : client.phase === 'live' && view.frozen !== null ? 'frozen' : client.phase
	const values = { s: span(stale), detail: text(client.detail, 160), url: server.url }
	const notes = PLAIN.includes(id) ? [] : [t(`note.${id}`, values)]
	if (client.retryAt) notes.push(t('nextTry', { s: span((client.retryAt - now) / 1000) }))
	if (client.phase === 'live' && client.legacy) notes.push(t('legacy'))
	for (const [key, n] of Object.entries({ missed, ...client.dropped })) if (n) notes.push(t(`count.${key}`, { n }))
	return { id, icon: ICONS[id] ?? 'off', word: t(`state.${id}`, values), note: notes.join(' ').trim() }
}

/** @param {Server} server @param {string} filter lower case words, all of which must be found */
export function matches(server, filter) {
	const { id, name } = server.config
	const words = `${id} ${name} ${server.url} ${text(server.client.info?.host)} ${describe(server).word} ${t(`level.${server.alerts.level}`)}`.toLowerCase()
	return filter.split(/\s+/).every((word) => words.includes(word))
}

export class RtServer extends HTMLElement {
	/** @param {Server} server */
	constructor(server) {
		super()
		this.server = server
		this.seen = true
		this.sections = /** @type {Map<string, {details: HTMLDetailsElement, body?: any}>} */ (new Map())
		this.facts = /** @type {Map<string, HTMLElement>} */ (new Map())
		this.paint = () => this.draw()
		this.ask = (event) => {
			this.sift()
			if (this.seen || !OFTEN.includes(event?.type)) request(this.paint)
		}
		this.undo = /** @type {(() => void)[]} */ ([])
		const id = `server-${nextId++}`
		this.stateIcon = h('span', { class: 'state-icon' })
		this.stateText = h('span')
		this.mark = h('span', { class: 'card-mark' })
		this.heading = h('h2', { id, tabindex: -1 })
		this.where = h('p', { class: 'card-where' })
		this.power = iconButton('play', t('start'), () => (server.phase === 'stopped' ? server.start() : server.client.stop()))
		this.note = h('span', { role: 'status' })
		this.retry = h('button', { type: 'button', class: 'button', onclick: () => server.start() }, t('retryNow'))
		this.token = this.tokenForm()
		this.factBox = h('p', { class: 'card-facts' })
		this.strips = new RtStrips()
		this.strips.server = server
		this.strips.addEventListener('resized', this.ask)
		this.box = h('div', { class: 'sections' })
		this.tools = cardTools(server)
		this.card = h('article', { class: 'card', 'aria-labelledby': id },
			h('header', { class: 'card-head' }, this.heading, h('p', { class: 'card-state' }, this.stateIcon, this.stateText), this.mark,
				h('div', { class: 'card-tools' }, this.power, iconButton('retry', t('reconnect'), () => server.start()), iconButton('gear', t('options'), () => openServerDialog(server.config)))),
			this.where, this.tools, this.token, h('p', { class: 'card-note' }, this.note, ' ', this.retry), this.factBox, this.strips, this.box)
	}

	connectedCallback() {
		if (!this.card.isConnected) this.append(this.card)
		const { server } = this
		setText(this.heading, server.config.name)
		for (const [target, names] of /** @type {[EventTarget, string][]} */ ([[server, 'push state alert'], [view, 'time change']])) {
			for (const name of names.split(' ')) {
				target.addEventListener(name, this.ask)
				this.undo.push(() => target.removeEventListener(name, this.ask))
			}
		}
		const watcher = new IntersectionObserver(([entry]) => {
			this.seen = entry.isIntersecting
			this.ask()
		}, { rootMargin: '200px' })
		watcher.observe(this)
		// What changes by time alone: seconds of silence, seconds to the next try.
		this.undo.push(() => watcher.disconnect(), everySecond(() => {
			server.client.checkSilence(Date.now())
			if (server.phase !== 'live' || server.staleFor() || this.dataset.state === 'stale') this.ask()
		}))
		this.ask()
	}

	disconnectedCallback() {
		for (const undo of this.undo.splice(0)) undo()
	}

	/** Where the token is wrong, the field stands in its place. */
	tokenForm() {
		const field = h('input', { type: 'password', autocomplete: 'off', name: 'token' })
		const remember = check(t('rememberToken'), false)
		return h('form', { class: 'token-form', hidden: true, onsubmit: (event) => {
			event.preventDefault()
			store.setToken(this.server.config, field.value, remember.box.checked)
			field.value = ''
			this.server.start()
		} }, h('label', {}, t('token'), field), remember.node, h('button', { class: 'button primary' }, t('connect')))
	}

	/** Not only in view: what is filtered out is never in view again by itself. */
	sift() {
		this.hidden = view.filter !== '' && !view.editing && !matches(this.server, view.filter)
	}

	draw() {
		if (!this.isConnected) return
		this.drawHead()
		if (!this.seen) return
		if (view.frozen === null) this.drawFacts()
		this.strips.draw()
		if (!view.taste.compact) this.drawSections()
	}

	drawHead() {
		const { server } = this
		const { client, alerts } = server
		const state = describe(server)
		setAttr(this, 'data-state', state.id)
		setText(this.heading, server.config.name)
		const about = client.info ? ['host', 'os', 'virt'].map((key) => text(at(client.info, key), 60)).filter((part) => part && part !== 'none') : [text(client.version, 40)].filter(Boolean)
		setText(this.where, [server.url, ...about].join(' · '))
		setText(this.stateText, state.word)
		redraw(this.stateIcon, state.icon, () => [icon(state.icon)])
		setText(this.note, state.note)
		const running = client.phase !== 'stopped'
		setIconButton(this.power, running ? 'stop' : 'play', t(running ? 'stop' : 'start'))
		this.retry.hidden = !client.retryAt
		this.token.hidden = client.phase !== 'token'
		const { level } = alerts
		setAttr(this, 'data-level', level === 'ok' ? null : level)
		const said = level === 'ok' ? '' : `${t(`level.${level}`)}: ${[...alerts.active.keys()].map((key) => t(`figure.${key}`)).join(', ')}`
		redraw(this.mark, said, () => (said ? [icon(level), said] : []))
		this.tools.hidden = !view.editing
	}

	drawFacts() {
		const { push } = this.server
		const words = (key) => text(at(push, 'uptime', key), 30) || NONE
		this.fact('up', words('uptime'))
		this.fact('users', words('users'))
		this.fact('load', ['la1', 'la5', 'la15'].map(words).join(' '))
		this.fact('time', words('time'))
		for (const key of ['all', 'running', 'sleep', 'stopped', 'zombie']) this.fact(key, digits(amount(at(push, 'processes', key))))
		if (at(push, 'procs', 'threads') !== undefined) this.fact('threads', digits(amount(push.procs.threads)))
		if (at(push, 'procs', 'visible') === false) this.fact('hidden', '')
	}

	fact(key, value) {
		let node = this.facts.get(key)
		if (!node) {
			this.facts.set(key, node = h('b'))
			this.factBox.append(h('span', { class: `fact fact-${key}` }, `${t(`fact.${key}`)} `, node))
		}
		setText(node, value)
	}

	drawSections() {
		const { server } = this
		if (!server.history.length) return
		for (const section of SECTIONS) {
			const open = this.sections.get(section.id) ?? (section.offered(server) ? this.section(section) : null)
			// While frozen only what has a history moves.
			if (!open?.details.open || (view.frozen !== null && !section.scrubs && open.body)) continue
			open.body ??= section.build(server)
			if (!open.body.node.isConnected) open.details.append(open.body.node)
			open.body.update()
		}
	}

	/** @param {typeof SECTIONS[number]} section */
	section(section) {
		const key = `${this.server.config.id}/${section.id}`
		const details = h('details', { class: 'section', open: view.taste.open[key] ?? (section.opens && store.servers.size <= FEW) }, h('summary', {}, t(`section.${section.id}`)))
		const open = { details }
		details.addEventListener('toggle', () => {
			view.taste.open[key] = details.open
			view.setTaste({})
			if (section.demand) this.server.want(section.id, details.open)
		})
		this.sections.set(section.id, open)
		// They come as servers offer them, and stand in their fixed order.
		this.box.replaceChildren(...SECTIONS.flatMap(({ id }) => this.sections.get(id)?.details ?? []))
		return open
	}
}

customElements.define('rt-server', RtServer)
