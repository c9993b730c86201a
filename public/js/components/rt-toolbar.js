// The bar above everything: filter, fleet, freeze and scrub, theme, menu, edit mode.

import { button, check, h, icon, iconButton, setIconButton, setText } from '../dom.js'
import { clock, span } from '../format.js'
import { t } from '../i18n.js'
import { forgetColours } from '../plot.js'
import { store } from '../store.js'
import { view } from '../view.js'
import { openConfigDialog } from './editor.js'
import './rt-fleet.js'

const THEMES = ['system', 'light', 'dark']
/** How far back one can scrub, in seconds. */
const BACK = 1200

/** Colours are taken anew and every card painted again. */
function recolour() {
	forgetColours()
	view.tell('time')
}

class RtToolbar extends HTMLElement {
	connectedCallback() {
		const filter = h('input', { type: 'search', placeholder: t('filter'), 'aria-label': t('filter'), oninput: () => view.set({ filter: filter.value.trim().toLowerCase() }) })
		const freeze = iconButton('pause', t('freeze'), () => view.toggleFreeze())
		const theme = iconButton('theme', t('theme'), () => view.setTaste({ theme: THEMES[(THEMES.indexOf(view.taste.theme) + 1) % 3] }))
		const slider = h('input', { type: 'range', min: -BACK, max: 0, 'aria-label': t('scrub'), oninput: () => view.scrub(view.frozenAt + Number(slider.value) * 1000) })
		const instant = h('output', { class: 'instant' })
		const scrubber = h('div', { class: 'strip-bar' }, h('b', {}, t('state.frozen')), slider, instant, button(t('goLive'), () => view.toggleFreeze(), 'primary'))
		const editor = h('div', { class: 'strip-bar' }, h('b', {}, t('edit.on')), button(t('edit.addColumn'), () => store.edit(({ columns }) => columns.push({ name: '', servers: [] }))),
			button(t('edit.undo'), () => store.undo()), button(t('edit.done'), () => view.set({ editing: false }), 'primary'))
		this.append(h('header', {}, h('div', { class: 'bar' }, h('h1', {}, 'rtstat'), filter, document.createElement('rt-fleet'), h('div', { class: 'bar-tools' }, freeze, theme, menu())), scrubber, editor))
		const follow = () => {
			const { frozen, taste } = view
			setIconButton(freeze, frozen === null ? 'pause' : 'play', t(frozen === null ? 'freeze' : 'goLive'))
			setIconButton(theme, 'theme', `${t('theme')}: ${t(`theme.${taste.theme}`)}`)
			scrubber.hidden = frozen === null
			editor.hidden = !view.editing
			if (frozen !== null) {
				const shown = view.cursor ?? frozen
				slider.value = String(Math.round((frozen - view.frozenAt) / 1000))
				setText(instant, `${clock(shown)} · ${t('ago', { span: span((Date.now() - shown) / 1000) })}`)
			}
			const root = document.documentElement
			root.toggleAttribute('data-compact', taste.compact)
			if (root.dataset.theme === taste.theme) return
			root.dataset.theme = taste.theme
			recolour()
		}
		for (const name of ['change', 'time']) view.addEventListener(name, follow)
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolour)
		document.addEventListener('keydown', (event) => {
			const target = /** @type {HTMLElement} */ (event.target)
			if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
			if (event.key === 'Escape' && target === filter) view.set({ filter: filter.value = '' })
			if (target.matches('input, textarea, select')) return
			const act = { '/': () => filter.focus(), f: () => view.toggleFreeze(), e: () => view.set({ editing: !view.editing }), c: openConfigDialog }[event.key]
			if (act) event.preventDefault()
			act?.()
		})
		follow()
	}
}

/** The rarer things, in the browser's own disclosure. */
function menu() {
	const shut = () => details.removeAttribute('open')
	const item = (label, act) => h('button', { type: 'button', onclick: () => {
		shut()
		act()
	} }, label)
	const outside = ({ relatedTarget, target, type }) => {
		const to = type === 'focusout' ? relatedTarget : target
		if (to instanceof Node && !details.contains(to)) shut()
	}
	const details = h('details', { class: 'menu', onfocusout: outside, onkeydown: (event) => {
		if (event.key !== 'Escape') return
		shut()
		details.querySelector('summary')?.focus()
	} }, h('summary', { class: 'icon-button', 'aria-label': t('menu'), title: t('menu') }, icon('menu')), h('div', { class: 'menu-list' },
		item(t('menu.edit'), () => view.set({ editing: !view.editing })), item(t('menu.config'), openConfigDialog),
		check(t('menu.compact'), view.taste.compact, (compact) => view.setTaste({ compact })).node,
		check(t('menu.notify'), view.taste.notify, async (notify) => {
			if (notify && globalThis.Notification?.permission === 'default') await Notification.requestPermission()
			view.setTaste({ notify })
		}).node,
		h('a', { href: 'client.html' }, t('menu.console')), h('p', { class: 'muted' }, t('menu.keys'))))
	document.addEventListener('pointerdown', outside)
	return details
}

customElements.define('rt-toolbar', RtToolbar)
