// Wires the dashboard: configuration, servers, elements, title and notifications.

import { faultText } from './components/dialog.js'
import './components/rt-board.js'
import './components/rt-toolbar.js'
import { ConfigError } from './config.js'
import { h } from './dom.js'
import { fleet } from './fleet.js'
import { language, t } from './i18n.js'
import { store } from './store.js'
import { view } from './view.js'

/** What boot.js collected from the default configuration. @type {{config: unknown, faults: string[]}} */
const boot = /** @type {any} */ (window).RtStat.Monitoring.boot

/** Each server once, also when the configuration changes. @type {WeakSet<import('./server.js').Server>} */
const watched = new WeakSet()

document.documentElement.lang = language
document.documentElement.dataset.theme = view.taste.theme
store.load(boot.config)
store.addEventListener('config', () => {
  fleet.sync()
  watch()
})
const note = /** @type {HTMLElement} */ (document.getElementById('boot'))
const main = h('main', {}, document.createElement('rt-board'))
note.replaceWith(document.createElement('rt-toolbar'), problems(), main)
fleet.sync()
watch()

/** What is wrong with a configuration stands above everything, with its place. */
function problems() {
  const lines = boot.faults.map((fault) => t('config.defaultFault', { fault }))
  if (store.problem) {
    const { source, error } = store.problem
    lines.push(`${source}: ${error instanceof ConfigError ? faultText(error) : String(error)}`)
  }
  if (boot.config === undefined && !boot.faults.length) lines.push(t('config.noDefault'))
  return h('div', { class: 'problems', role: 'alert', hidden: lines.length === 0 }, ...lines.map((line) => h('p', {}, line)))
}

function watch() {
  for (const server of fleet.list) {
    if (watched.has(server)) continue
    watched.add(server)
    let before = server.alerts.level
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
  const alarms = fleet.list.filter((server) => server.alerts.level !== 'ok').length
  const title = alarms ? `(${alarms}) rtstat` : 'rtstat'
  if (document.title !== title) document.title = title
}

/** @param {import('./server.js').Server} server */
function notify(server) {
  if (!view.taste.notify || !('Notification' in window) || Notification.permission !== 'granted') return
  const said = [...server.alerts.active.keys()].map((key) => t(`figure.${key}`)).join(', ')
  try {
    new Notification(server.config.name, { body: `${t(`level.${server.alerts.level}`)}: ${said}`, tag: server.config.id })
  } catch {
    // Some phones allow notifications to service workers alone.
  }
}
