// Wires the dashboard: configuration, servers, elements, title and notifications.

import { faultText } from './components/editor.js'
import './components/rt-board.js'
import './components/rt-toolbar.js'
import { h } from './dom.js'
import { language, t } from './i18n.js'
import { store } from './store.js'
import { view } from './view.js'

/** What boot.js collected of the default configuration. @type {{config: unknown, faults: string[]}} */
const boot = /** @type {any} */ (globalThis).RtStat.Monitoring.boot
const watched = new WeakSet()

Object.assign(document.documentElement, { lang: language }).dataset.theme = view.taste.theme
const problem = store.load(boot.config)
const lines = boot.faults.map((fault) => t('config.defaultFault', { fault }))
if (problem) lines.push(`${problem.source}: ${faultText(problem.error)}`)
if (boot.config === undefined && !lines.length) lines.push(t('config.noDefault'))
const problems = h('div', { class: 'problems', role: 'alert', hidden: !lines.length }, ...lines.map((line) => h('p', {}, line)))
store.addEventListener('servers', watch)
store.sync()
document.getElementById('boot')?.replaceWith(document.createElement('rt-toolbar'), problems, h('main', {}, document.createElement('rt-board')))

function watch() {
	for (const server of store.list) {
		if (watched.has(server)) continue
		watched.add(server)
		let before = 'ok'
		server.addEventListener('alert', () => {
			const { level } = server.alerts
			if (level !== 'ok' && before === 'ok') notify(server)
			before = level
			count()
		})
	}
	count()
}

function count() {
	const alarms = store.list.filter(({ alerts }) => alerts.level !== 'ok').length
	document.title = alarms ? `(${alarms}) rtstat` : 'rtstat'
}

function notify({ config, alerts }) {
	if (!view.taste.notify || globalThis.Notification?.permission !== 'granted') return
	const said = [...alerts.active.keys()].map((key) => t(`figure.${key}`)).join(', ')
	try {
		new Notification(config.name, { body: `${t(`level.${alerts.level}`)}: ${said}`, tag: config.id })
	} catch {
		// Some phones allow notifications to service workers alone.
	}
}
