// Wires the dashboard.

import {faultText} from './components/editor.js'
import './components/rt-board.js'
import './components/rt-toolbar.js'
import {h} from './dom.js'
import {language, t} from './i18n.js'
import {alarm} from './states.js'
import {store} from './store.js'
import {view} from './view.js'

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
