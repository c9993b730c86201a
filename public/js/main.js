// Wires the dashboard.

import {columnTools, faultText, openServerDialog} from './components/editor.js'
import {RtServer} from './components/rt-server.js'
import './components/rt-toolbar.js'
import {button, h, LiveElement} from './dom.js'
import {language, t} from './i18n.js'
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
		const {columns} = store.config
		this.cards = new Map(store.list.map(server => [server, this.cards.get(server) ?? new RtServer(server)]))
		this.replaceChildren(...columns.map(({name, servers}, index) => h('section.column', {'aria-label': name || t('Column {n}', {n: index + 1})},
			view.editing ? columnTools(index, columns.length, name) : name && h('h2', name),
			servers.map(({id}) => this.cards.get(store.servers.get(id))))))
		if (!this.cards.size && !view.editing) this.append(h('section.empty', h('h2', t('No servers yet')), h('p', t('empty')), button(t('Add server'), () => openServerDialog(null), 'primary')))
		if (had) this.give(hand, place)
	}

	tools() {
		return /** @type {any[]} */ ([...this.querySelectorAll('.edit-tools > *')])
	}

	/** What was built anew has lost the focus: back to the same tool, or to the one in its place. */
	give(hand, place) {
		const all = this.tools()
		const same = hand.isConnected ? hand : all.find(({ariaLabel}) => ariaLabel && ariaLabel === hand.ariaLabel) ?? all[Math.min(place, all.length - 1)]
		const near = same?.disabled ? same.parentElement.querySelector('button:enabled') : same
		near?.focus()
	}
}

customElements.define('rt-board', RtBoard)

const boot = /** @type {any} */ (globalThis).RtStat.Monitoring.boot
const watched = new WeakSet()

Object.assign(document.documentElement, {lang: language}).dataset.theme = view.taste.theme
const problem = store.load(boot.config)
store.addEventListener('servers', watch)
store.sync()
const lines = [...boot.faults, ...(problem ? [`${problem.source}: ${faultText(problem.error)}`] : [])]
if (boot.config === undefined && !lines.length) lines.push(t('noDefault'))
document.getElementById('boot')?.replaceWith(h('rt-toolbar'), h('div.problems', {role: 'alert', hidden: !lines.length}, lines.map(line => h('p', line))), h('main', h('rt-board')))

function watch() {
	for (const server of store.list) {
		if (watched.has(server)) continue
		watched.add(server)
		let before = ''
		server.addEventListener('alert', () => {
			const now = alarm(server)
			if (now && !before) notify(server.config, now)
			before = now
			count()
		})
	}
	count()
}

function count() {
	const alarms = store.list.filter(alarm).length
	document.title = alarms ? `(${alarms}) rtstat` : 'rtstat'
}

function notify({id, name}, body) {
	if (!view.taste.notify || globalThis.Notification?.permission !== 'granted') return
	try {
		new Notification(name, {body, tag: id})
	} catch {
		// Some phones allow notifications to service workers alone.
	}
}
