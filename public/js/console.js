// client.html: a console for the protocol, typed by hand. Shows every message as it is on the wire.

import { urlOf, validHost } from './config.js'
import { h } from './dom.js'
import { clock } from './format.js'
import { language, t } from './i18n.js'
import { encode } from './protocol.js'
import { view } from './view.js'

/** Lines kept on the screen, and characters of one. */
const LINES = 500
const LONG = 4000
const FOLDED = 160
const COMMANDS = ['version', 'info', 'interval::1', 'start', 'stop', 'plugins', 'quit']

document.documentElement.lang = language
document.documentElement.dataset.theme = view.taste.theme
document.title = `${t('console.title')} · rtstat`

/** @type {WebSocket|null} */
let socket = null
/** @type {string[]} */
const typed = []
let recalled = 0

const host = h('input', { type: 'text', name: 'host', spellcheck: 'false', autocomplete: 'off', placeholder: urlOf('', location.href) })
const toggle = h('button', { class: 'button primary' }, t('console.connect'))
const fold = h('input', { type: 'checkbox', checked: true })
const log = h('ol', { class: 'console-log', tabindex: 0, 'aria-label': t('console.log'), role: 'log' })
const command = h('input', { type: 'text', name: 'command', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', onkeydown: (/** @type {KeyboardEvent} */ event) => {
  if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return
  event.preventDefault()
  recalled = Math.min(typed.length, Math.max(0, recalled + (event.key === 'ArrowUp' ? -1 : 1)))
  command.value = typed[recalled] ?? ''
} })
const token = h('input', { type: 'password', name: 'token', autocomplete: 'off' })

/**
 * @param {'in'|'out'|'note'} kind
 * @param {string} message
 */
function say(kind, message) {
  const cut = message.length > LONG ? `${message.slice(0, LONG)}… (${message.length})` : message
  const folded = kind === 'in' && fold.checked && cut.length > FOLDED
  const body = folded ? h('details', {}, h('summary', {}, `${cut.slice(0, FOLDED)}…`), cut) : cut
  const follow = log.scrollHeight - log.scrollTop - log.clientHeight < 40
  log.append(h('li', { class: `console-${kind}` }, h('time', {}, clock(Date.now())), h('span', {}, kind === 'in' ? '←' : kind === 'out' ? '→' : '·'), h('div', {}, body)))
  while (log.childElementCount > LINES) log.firstElementChild?.remove()
  if (follow) log.scrollTop = log.scrollHeight
}

function connect() {
  const written = host.value.trim()
  if (written !== '' && !validHost(written)) {
    say('note', t('config.needHost', { got: written }))
    return
  }
  const url = urlOf(written, location.href)
  say('note', t('console.opening', { url }))
  try {
    socket = new WebSocket(url)
  } catch (error) {
    say('note', t('console.refused', { why: String(error) }))
    return
  }
  const mine = socket
  toggle.textContent = t('console.disconnect')
  mine.addEventListener('open', () => say('note', t('console.opened')))
  mine.addEventListener('message', (event) => say('in', typeof event.data === 'string' ? event.data.replace(/\n$/, '') : '(binary)'))
  mine.addEventListener('close', (event) => {
    say('note', t('console.closed', { code: String(event.code), reason: event.reason }))
    if (socket !== mine) return
    socket = null
    toggle.textContent = t('console.connect')
  })
}

/**
 * @param {string} line
 * @param {string} [shown] what the log shows of it
 */
function send(line, shown = line) {
  if (socket?.readyState !== WebSocket.OPEN) {
    say('note', t('console.notOpen'))
    return
  }
  socket.send(line)
  say('out', shown)
}

const note = /** @type {HTMLElement} */ (document.getElementById('boot'))
note.replaceWith(h('header', { class: 'bar' }, h('h1', {}, t('console.title')), h('a', { href: 'monitoring.html' }, t('console.dashboard'))),
  h('main', { class: 'console' },
    h('form', { class: 'row', onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault()
      if (socket) socket.close()
      else connect()
    } }, h('label', { class: 'grow' }, t('server.host'), host), toggle),
    log,
    h('div', { class: 'row', role: 'group', 'aria-label': t('console.quick') },
      ...COMMANDS.map((line) => h('button', { type: 'button', class: 'button', onclick: () => send(line) }, line)),
      h('label', { class: 'check' }, fold, t('console.fold')),
      h('button', { type: 'button', class: 'button', onclick: () => log.replaceChildren() }, t('console.clear'))),
    h('form', { class: 'row', onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault()
      send(encode('auth', [token.value]), 'auth::…')
      token.value = ''
    } }, h('label', { class: 'grow' }, t('token'), token), h('button', { class: 'button' }, 'auth')),
    h('form', { class: 'row', onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault()
      const line = command.value
      if (!line) return
      send(line)
      if (typed.at(-1) !== line) typed.push(line)
      recalled = typed.length
      command.value = ''
    } }, h('label', { class: 'grow' }, t('console.command'), command), h('button', { class: 'button primary' }, t('console.send')))))
connect()
