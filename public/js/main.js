// The dashboard: brings the views together, which do not know each other. Who may import whom
// stands in tests/frontend/imports.test.js.

import { h } from './dom/h.js'
import { alarm } from './model/status.js'
import { store } from './model/store.js'
import { view } from './model/view.js'
import { language, t } from './text/i18n.js'
import { faultText, openConfigDialog, openServerDialog } from './views/dialogs.js'
import { RtBoard } from './views/rt-board.js'
import { RtFleet } from './views/rt-fleet.js'
import { RtServer } from './views/rt-server.js'
import { RtToolbar } from './views/rt-toolbar.js'

const { faults, defaultConfig } = /** @type {any} */ (globalThis).RtStat.Monitoring
let alarmed = []

document.documentElement.lang = language
const problems = loadConfig()
for (const event of ['servers', 'alert']) store.addEventListener(event, noticeAlarms)
store.sync()

const board = new RtBoard((server) => new RtServer(server))
// What a view cannot do itself, it wishes for.
listen('rt-edit-config', openConfigDialog)
listen('rt-edit-server', openServerDialog)
listen('rt-jump', (server) => board.jumpTo(server))
document.querySelector('.boot')?.replaceWith(
  new RtToolbar(new RtFleet()),
  h(
    'div.problems',
    { role: 'alert', hidden: !problems.length },
    problems.map((line) => h('p', line)),
  ),
  h('main', board),
)

function listen(wish, act) {
  document.addEventListener(wish, ({ detail }) => act(detail))
}

function loadConfig() {
  const problem = store.load(defaultConfig)
  const lines = [...faults]
  if (problem) lines.push(`${problem.source}: ${faultText(problem.error)}`)
  if (defaultConfig === undefined && !lines.length) lines.push(t('noDefault'))
  return lines
}

// For those who look elsewhere: their number in the title, and notifications where wished for.
function noticeAlarms() {
  const before = alarmed
  alarmed = store.list.filter(alarm)
  document.title = alarmed.length ? `(${alarmed.length}) rtstat` : 'rtstat'
  if (!view.preferences.notify || globalThis.Notification?.permission !== 'granted') return
  for (const server of alarmed) if (!before.includes(server)) notify(server)
}

function notify(server) {
  const { name, id } = server.config
  try {
    new Notification(name, { body: alarm(server), tag: id })
  } catch {
    // Some phones allow notifications to service workers alone.
  }
}
