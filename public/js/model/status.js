// What the state of a server is called, and what else is to be said about it.

import { span } from '../text/format.js'
import { t, TEXTS } from '../text/i18n.js'
import { at, plainText } from './values.js'
import { view } from './view.js'

const STATES = {
  stopped: { icon: 'pause', word: 'Stopped' },
  connecting: { icon: 'wait', word: 'Connecting' },
  waiting: { icon: 'wait', word: 'Waiting for data' },
  live: { icon: 'live', word: 'Live' },
  frozen: { icon: 'freeze', word: 'Frozen' },
  stale: { icon: 'warning', word: 'Stale for {s}' },
  token: { icon: 'lock', word: 'Wrong token' },
  full: { icon: 'off', word: 'Too many clients' },
  origin: { icon: 'lock', word: 'Origin refused' },
  mixed: { icon: 'lock', word: 'Needs wss' },
  refused: { icon: 'critical', word: 'Refused' },
  unreachable: { icon: 'critical', word: 'Unreachable' },
  crowd: { icon: 'off', word: 'Too many connections' },
  restarting: { icon: 'retry', word: 'Restarting' },
  closed: { icon: 'off', word: 'Disconnected' },
  flood: { icon: 'critical', word: 'Too much data' },
}

/** @param {Server} server */
export function describe(server) {
  const { phase, detail } = server.connection
  const stale = server.staleFor()
  const id = stale ? 'stale' : phase === 'live' && view.frozen !== null ? 'frozen' : phase
  const { icon, word } = STATES[id]
  const values = { s: span(stale), detail: plainText(detail, 160), url: server.url }
  const note = TEXTS.has(`note.${id}`) ? [t(`note.${id}`, values)] : []
  return {
    id,
    icon,
    word: t(word, values),
    note: [...note, ...afterthoughts(server)].join(' ').trim(),
  }
}

function afterthoughts({ connection, continuity }) {
  const { phase, retryAt, legacy, dropped } = connection
  const words = []
  if (retryAt) words.push(t('Next try in {s}.', { s: span((retryAt - Date.now()) / 1000) }))
  if (phase === 'live' && legacy) words.push(t('legacy'))
  for (const [key, n] of Object.entries({ missed: continuity.missed, ...dropped })) {
    if (n) words.push(t(key, { n }))
  }
  return words
}

/** @param {Server} server */
export function alarm({ alerts: { level, active } }) {
  if (!level) return ''
  return `${t(level)}: ${[...active.keys()].map((figure) => t(figure)).join(', ')}`
}

/** @param {Server} server @param {string[]} names */
export const remarks = (server, names) => (
  names.map((name) => remark(server, name)).filter(Boolean).join(' · ')
)

function remark({ connection, push }, name) {
  const about = connection.info?.plugins.get(name)
  const words = [plainText(at(about, 'reason')), plainText(at(about, 'note'))]
  // A service in a network namespace of its own sees another network than the machine.
  if (at(push, name, 'by') === 'self') words.push(t('own view'))
  const said = words.filter(Boolean)
  return said.length ? `${plainText(name, 40)}: ${said.join(', ')}` : ''
}

/** @param {Server} server */
export function matchesFilter(server) {
  if (!view.filter) return true
  const { id, name } = server.config
  const host = plainText(server.connection.info?.host)
  const words = `${id} ${name} ${server.url} ${host} ${describe(server).word} ${alarm(server)}`
    .toLowerCase()
  return view.filter.split(/\s+/).every((word) => words.includes(word))
}
