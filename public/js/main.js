// The board of columns and cards, and what wires the dashboard.

import {button, h, LiveElement} from './dom.js'
import {columnTools, faultText, openServerDialog} from './editor.js'
import {language, t} from './i18n.js'
import {RtServer} from './rt-server.js'
import './rt-toolbar.js'
import {store} from './store.js'
import {alarm, view} from './view.js'

class RtBoard extends LiveElement {
	cards = new Map()
	editing = false

	enter() {
		this.on(store, 'servers', () => this.build())
		this.on(view, 'change', () => this.editing !== view.editing && this.build())
		this.build()
	}

	build() {
		this.editing = view.editing
		const {activeElement: hand} = document
		const [had, place] = [this.contains(hand), this.tools().indexOf(hand)]
		this.cards = new Map(store.list.map(server => [server, this.cards.get(server) ?? new RtServer(server)]))
		this.replaceChildren(...store.config.columns.map(({name, servers}, index, {length}) =>
			h('section.column', {'aria-label': name || t('Column {n}', {n: index + 1})},
			view.editing ? columnTools(index, length, name) : name && h('h2', name),
			servers.map(({id}) => this.cards.get(store.servers.get(id))))))
		if (!this.cards.size && !view.editing) this.append(h('section.empty', h('h2', t('No servers yet')), h('p', t('empty')),
			button(t('Add server'), () => openServerDialog(null), 'primary')))
		if (had) this.give(hand, place)
	}

	tools() {
		return /** @type {any[]} */ ([...this.querySelectorAll('.edit-tools > *')])
	}

	/** Focus for the same tool, or the one in its place. */
	give(hand, place) {
		const all = this.tools()
		const same = hand.isConnected ? hand : all.find(({ariaLabel}) => ariaLabel && ariaLabel === hand.ariaLabel) ?? all[Math.min(place, all.length - 1)]
		;(same?.disabled ? same.parentElement.querySelector('button:enabled') : same)?.focus()
	}
}

customElements.define('rt-board', RtBoard)

const boot = /** @type {any} */ (globalThis).RtStat.Monitoring.boot
let alarmed = []

Object.assign(document.documentElement, {lang: language}).dataset.theme = view.taste.theme
const problem = store.load(boot.config)
for (const event of ['servers', 'alert']) store.addEventListener(event, watch)
store.sync()
const lines = [...boot.faults, ...(problem ? [`${problem.source}: ${faultText(problem.error)}`] : [])]
if (boot.config === undefined && !lines.length) lines.push(t('noDefault'))
document.getElementById('boot')?.replaceWith(h('rt-toolbar'),
	h('div.problems', {role: 'alert', hidden: !lines.length}, lines.map(line => h('p', line))), h('main', h('rt-board')))

function watch() {
	const before = alarmed
	alarmed = store.list.filter(alarm)
	document.title = alarmed.length ? `(${alarmed.length}) rtstat` : 'rtstat'
	if (!view.taste.notify || globalThis.Notification?.permission !== 'granted') return
	for (const server of alarmed) if (!before.includes(server)) {
		const {name, id} = server.config
		try {
			new Notification(name, {body: alarm(server), tag: id})
		} catch {
			// Some phones allow notifications to service workers alone.
		}
	}
}
