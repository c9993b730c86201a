// A server's state in words: an id for the sheet, an icon, one word, and one sentence of what to do. Pure but for the texts.

import { span } from './format.js'
import { t } from './i18n.js'
import { text } from './values.js'
import { view } from './view.js'

/** @typedef {import('./server.js').Server} Server */

/** @type {Record<string, string>} */
const ICONS = { stopped: 'pause', connecting: 'wait', waiting: 'wait', live: 'live', stale: 'warning', token: 'lock', full: 'off',
  origin: 'lock', mixed: 'lock', refused: 'critical', unreachable: 'off', restarting: 'retry', closed: 'off', flood: 'critical',
  frozen: 'freeze' }

/**
 * @param {Server} server
 * @param {number} now
 * @returns {{id: string, icon: string, word: string, note: string}}
 */
export function describe(server, now) {
  const { client } = server
  const stale = server.staleFor(now)
  const id = stale ? 'stale' : client.phase === 'live' && view.frozen !== null ? 'frozen' : client.phase
  const values = { s: span(stale), detail: text(client.detail, 160), url: server.url }
  const notes = [noteOf(id, values)]
  if (client.retryAt) notes.push(t('nextTry', { s: span((client.retryAt - now) / 1000) }))
  if (client.phase === 'live') {
    if (client.legacy) notes.push(t('legacy'))
    if (server.missed) notes.push(t('missed', { n: String(server.missed) }))
  }
  const { large, fast, broken } = client.dropped
  if (large) notes.push(t('dropped.large', { n: String(large) }))
  if (fast) notes.push(t('dropped.fast', { n: String(fast) }))
  if (broken) notes.push(t('dropped.broken', { n: String(broken) }))
  return { id, icon: ICONS[id] ?? 'off', word: t(`state.${id}`, values), note: notes.filter(Boolean).join(' ') }
}

/**
 * @param {string} id
 * @param {Record<string, string>} values
 */
function noteOf(id, values) {
  const quiet = ['live', 'frozen', 'connecting', 'waiting', 'stale', 'stopped']
  return quiet.includes(id) ? '' : t(`note.${id}`, values)
}
