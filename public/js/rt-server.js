// One server’s card: draws only in view, but always has its name and state.

import {button, check, form, h, icon, iconButton, LiveElement, redraw, setAttr, setIconButton, setText} from './dom.js'
import {cardTools, nameTools, openServerDialog} from './editor.js'
import {at, NONE, text} from './format.js'
import {t} from './i18n.js'
import {RtStrips} from './rt-strips.js'
import {Facts, SECTIONS} from './sections.js'
import {store} from './store.js'
import {alarm, describe, matches, remarks, request, view} from './view.js'

/** Servers whose sections start open. */
const FEW = 6

export class RtServer extends LiveElement {
	seen = true
	sections = new Map()
	heading = h('h2', {tabindex: -1})
	stateIcon = h('span.state-icon')
	stateText = h('span')
	mark = h('span.card-mark')
	where = h('p.card-where.muted')
	note = h('span', {role: 'status'})
	opened = h('div.sections')
	closed = h('div.sections')
	facts = new Facts({
		up: 'uptime.uptime', users: 'uptime.users',
		load: ({uptime}) => ['la1', 'la5', 'la15'].map(key => text(at(uptime, key), 30) || NONE).join(' ').replace('— — —', NONE),
		clock: 'uptime.time',
		processes: 'processes.all digits', running: 'processes.running digits', sleeping: 'processes.sleep digits', stopped: 'processes.stopped digits',
		zombies: 'processes.zombie digits', threads: 'procs.threads digits', 'some processes are hidden': push => at(push, 'procs', 'visible') === false ? '' : NONE,
	}, 'card-facts')
	paint = () => this.draw()
	ask = event => {
		this.hidden = !view.editing && !matches(this.server)
		if (this.seen || !['push', 'time'].includes(event?.type)) request(this.paint)
	}

	constructor(server) {
		super()
		this.server = server
		const start = () => server.start()
		this.power = iconButton('play', t('Start'), () => (server.phase === 'stopped' ? start() : server.client.stop()))
		this.retry = button(t('Try now'), start)
		this.token = this.tokenForm()
		this.tools = cardTools(server)
		this.strips = new RtStrips(server)
		this.strips.addEventListener('resized', this.ask)
		this.card = h('article.card',
			h('header.card-head', this.heading, h('p.card-state', this.stateIcon, this.stateText), this.mark,
				h('div.card-tools', this.power, iconButton('retry', t('Reconnect'), start), iconButton('gear', t('Settings'), () => openServerDialog(server.config)))),
			this.where, this.tools, h('p.card-note', this.note, this.retry), this.token, this.facts.node, this.strips, this.opened, this.closed)
	}

	enter() {
		const {server} = this
		if (!this.card.isConnected) this.append(this.card)
		this.on(server, 'push state alert', this.ask)
		this.on(view, 'time change', this.ask)
		this.on(view, 'second', () => {
			server.client.checkSilence()
			if (server.phase !== 'live' || server.staleFor() || this.dataset.state === 'stale') this.ask()
		})
		const watcher = new IntersectionObserver(([entry]) => {
			this.seen = entry.isIntersecting
			this.ask()
		}, {rootMargin: '200px'})
		watcher.observe(this)
		this.on(this.life.signal, 'abort', () => watcher.disconnect())
		this.ask()
	}

	tokenForm() {
		const field = h('input', {type: 'password', autocomplete: 'off', name: 'token'})
		const remember = check(t('Remember in this browser'), false)
		return form('token-form', () => {
			store.setToken(this.server.config, field.value, remember.box.checked)
			field.value = ''
			this.server.start()
		}, h('label.grow', t('Token'), field), remember.node, h('button.button.primary', t('Connect')))
	}

	draw() {
		if (!this.isConnected) return
		this.drawHead()
		if (!this.seen) return
		if (view.frozen === null) this.facts.read(this.server.push)
		this.strips.draw()
		if (!view.taste.compact && this.server.history.length) SECTIONS.forEach((section, place) => this.drawSection(section, place))
	}

	drawHead() {
		const {server, server: {client, alerts: {level}, config, url}} = this
		const state = describe(server)
		setAttr(this, 'data-state', state.id)
		setText(this.heading, config.name)
		setAttr(this.card, 'aria-label', config.name)
		setText(this.where, [url, ...['host', 'os', 'virt'].map(key => text(at(client.info, key), 60))].filter(part => part && part !== 'none').join(' · '))
		setText(this.stateText, state.word)
		redraw(this.stateIcon, state.icon, () => [icon(state.icon)])
		setText(this.note, state.note)
		const stopped = client.phase === 'stopped'
		setIconButton(this.power, stopped ? 'play' : 'stop', t(stopped ? 'Start' : 'Stop'))
		this.retry.hidden = !client.retryAt
		this.token.hidden = client.phase !== 'token'
		this.tools.hidden = !view.editing
		nameTools(this.tools, config.name)
		setAttr(this, 'data-level', level)
		const said = alarm(server)
		redraw(this.mark, said, () => (said ? [icon(level), said] : []))
	}

	/** @param {Section} section */
	drawSection([title, keys, build, {offered, opens} = {}], place) {
		const {server, sections} = this
		let open = sections.get(title)
		if (!open) {
			if (!keys.split(' ').some(key => (server.push[key] ?? null) !== null) && !offered?.(server)) return
			const key = `${server.config.id}/${title}`
			const details = h('details.section', {'data-place': place, open: view.taste.open[key] ?? (opens && store.servers.size <= FEW), ontoggle: () => {
				view.setTaste({open: {...view.taste.open, [key]: details.open}})
				if (keys === 'top') server.askTop(details.open)
				this.arrange(details, place)
			}}, h('summary', t(title)))
			sections.set(title, open = {details, remark: details.appendChild(h('p.muted'))})
			this.arrange(details, place)
		}
		if (!open.details.open || (view.frozen !== null && open.body)) return
		if (!open.body) open.remark.before((open.body = build(server, t(title))).node)
		open.body.update()
		setText(open.remark, remarks(server, keys))
	}

	/** The open ones first: none leaves a hole beside a closed one. Those that stand already keep the focus. */
	arrange(details, place) {
		const box = details.open ? this.opened : this.closed
		const hand = details.contains(document.activeElement)
		box.insertBefore(details, [.../** @type {any} */ (box.children)].find(one => one.dataset.place > place) ?? null)
		if (hand) details.firstElementChild.focus()
	}
}

customElements.define('rt-server', RtServer)
