// The bar above everything, the board of columns and cards below it, and what wires the dashboard.

import {button, check, h, icon, iconButton, LiveElement, redraw, setAttr, setIconButton, setText, setTone} from './dom.js'
import {columnTools, faultText, openConfigDialog, openServerDialog} from './editor.js'
import {clock, largest, percent, span} from './format.js'
import {language, t} from './i18n.js'
import {RtServer} from './rt-server.js'
import {recolour} from './rt-strips.js'
import {store} from './store.js'
import {alarm, describe, matches, request, view} from './view.js'

/** Label, and figures of which the worst counts. */
const SORTS = {
	none: ['As laid out', 'cpu', 'memory', 'psi'], cpu: ['Worst processor', 'cpuWorst'], memory: ['Memory', 'memory'],
	pressure: ['Pressure', 'psi'], disk: ['Disk', 'busy', 'full'],
}
const CALM = 3000

class RtFleet extends LiveElement {
	cells = new Map()
	sortedAt = 0
	list = h('div.fleet-cells', {role: 'group', 'aria-label': t('All servers')})
	select = h('select', {'aria-label': t('Order'), onchange: () => {
		this.sortedAt = 0
		view.setTaste({sort: this.select.value})
	}}, Object.entries(SORTS).map(([value, [label]]) => h('option', {value, selected: value === view.taste.sort}, t(label))))
	paint = () => this.draw()
	ask = () => request(this.paint)

	enter() {
		this.append(this.list, this.select)
		this.on(store, 'servers', () => this.build())
		this.on(view, 'change second', this.ask)
		this.build()
	}

	build() {
		this.cells = new Map(store.list.map(server => [server, h('button.cell', {onclick: () => jump(server)},
			h('span.cell-bar'), h('span.cell-mark'), h('span.cell-name'))]))
		this.list.replaceChildren(...this.cells.values())
		this.hidden = this.cells.size < 2
		this.ask()
	}

	draw() {
		if (this.hidden) return
		const [, ...names] = SORTS[view.taste.sort] ?? SORTS.none
		const rows = [...this.cells].map(([server, cell]) => {
			const {history, alerts: {level}, phase, config: {name}} = server
			const index = history.indexAt(view.frozen ?? Infinity)
			const value = phase === 'live' ? largest(names.map(name => history.valueAt(name, index))) : NaN
			const state = describe(server)
			const mark = level || (['live', 'frozen'].includes(state.id) ? '' : state.icon)
			const told = `${name}: ${state.word}, ${percent(value)} ${alarm(server)}`
			for (const [key, said] of Object.entries({'aria-label': told, title: told, 'data-level': level})) setAttr(cell, key, said)
			const [bar, sign, label] = cell.children
			setTone(bar, value)
			redraw(sign, mark, () => (mark ? [icon(mark)] : []))
			setText(label, name)
			cell.hidden = !matches(server)
			return {cell, value: value || 0}
		})
		// Not while a hand is on it.
		if (Date.now() - this.sortedAt < CALM || this.list.matches(':hover, :focus-within')) return
		this.sortedAt = Date.now()
		if (view.taste.sort !== 'none') rows.sort((a, b) => b.value - a.value)
		if (rows.some(({cell}, place) => this.list.children[place] !== cell)) this.list.replaceChildren(...rows.map(({cell}) => cell))
	}
}

function jump(server) {
	const card = [.../** @type {any} */ (document.querySelectorAll('rt-server'))].find(one => one.server === server)
	card?.scrollIntoView({behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth'})
	card?.heading.focus({preventScroll: true})
}

customElements.define('rt-fleet', RtFleet)

const THEMES = {system: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark'}

const freeze = () => view.toggleFreeze()
const find = text => view.set({filter: text.trim().toLowerCase()}, 'change')
const edit = () => view.set({editing: !view.editing}, 'change')

function repaint() {
	recolour()
	view.tell('time')
}

class RtToolbar extends LiveElement {
	filter = h('input', {type: 'search', placeholder: t('Filter servers'), 'aria-label': t('Filter servers'), oninput: () => find(this.filter.value)})
	freeze = iconButton('pause', t('Freeze (F)'), freeze)
	theme = iconButton('theme', '', () => {
		const themes = Object.keys(THEMES)
		view.setTaste({theme: themes[(themes.indexOf(view.taste.theme) + 1) % 3]})
	})
	slider = h('input', {type: 'range', min: -1200, max: 0, 'aria-label': t('scrub'),
		oninput: () => view.set({frozen: view.frozenAt + Number(this.slider.value) * 1000}, 'time')})
	instant = h('output.instant')
	scrubber = h('div.strip-bar', h('b', t('Frozen')), this.slider, this.instant, button(t('Go live'), freeze, 'primary'))
	editor = h('div.strip-bar', h('b', t('Editing')), button(t('Add column'), () => store.edit(({columns}) => columns.push({name: '', servers: []}))),
		button(t('Undo'), () => store.undo()), button(t('Done'), edit, 'primary'))

	enter() {
		this.append(h('header', h('div.bar', h('h1', 'rtstat'), this.filter, h('rt-fleet'),
			h('div.bar-tools', this.freeze, this.theme, menu())), this.scrubber, this.editor))
		this.on(view, 'change time', () => this.follow())
		this.on(matchMedia('(prefers-color-scheme: dark)'), 'change', repaint)
		this.on(document, 'keydown', event => this.key(event))
		this.follow()
	}

	key(event) {
		const {target, key} = event
		if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
		if (key === 'Escape' && target === this.filter) find(this.filter.value = '')
		if (target.matches('input, select')) return
		const act = {'/': () => this.filter.focus(), f: freeze, e: edit, c: openConfigDialog}[key]
		if (act) event.preventDefault()
		act?.()
	}

	follow() {
		const {frozen, taste: {theme, compact}} = view
		setIconButton(this.freeze, frozen === null ? 'pause' : 'play', t(frozen === null ? 'Freeze (F)' : 'Go live'))
		setIconButton(this.theme, 'theme', t(THEMES[theme]))
		this.scrubber.hidden = frozen === null
		this.editor.hidden = !view.editing
		if (frozen !== null) {
			const shown = view.cursor ?? frozen
			this.slider.value = String(Math.round((frozen - view.frozenAt) / 1000))
			setText(this.instant, `${clock(shown)} · ${t('{span} ago', {span: span((Date.now() - shown) / 1000)})}`)
		}
		const root = document.documentElement
		root.toggleAttribute('data-compact', compact)
		if (root.dataset.theme === theme) return
		root.dataset.theme = theme
		repaint()
	}
}

function menu() {
	const item = (label, act) => h('button.item', {onclick: () => {
		list.hidePopover()
		act()
	}}, t(label))
	const list = h('div.menu-list', {popover: true, id: 'menu'}, item('Edit layout', edit), item('Configuration', openConfigDialog),
		check(t('Strips only'), view.taste.compact, compact => view.setTaste({compact})).node,
		check(t('Notify me of alarms'), view.taste.notify, async notify => {
			if (notify && globalThis.Notification?.permission === 'default') await Notification.requestPermission()
			view.setTaste({notify})
		}).node,
		h('a.item', {href: 'client.html'}, t('Protocol console')), h('p.muted', t('keys')))
	return [iconButton('menu', t('Menu'), () => {}, {popovertarget: 'menu'}), list]
}

customElements.define('rt-toolbar', RtToolbar)

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
			h('div.row', button(t('Add server'), () => openServerDialog(null), 'primary'), button(t('Configuration'), openConfigDialog))))
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

const {faults, defaultConfig} = /** @type {any} */ (globalThis).RtStat.Monitoring
let alarmed = []

document.documentElement.lang = language
const problem = store.load(defaultConfig)
for (const event of ['servers', 'alert']) store.addEventListener(event, watch)
store.sync()
const lines = [...faults, ...(problem ? [`${problem.source}: ${faultText(problem.error)}`] : [])]
if (defaultConfig === undefined && !lines.length) lines.push(t('noDefault'))
document.querySelector('.boot')?.replaceWith(h('rt-toolbar'),
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
