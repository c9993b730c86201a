// The protocol, typed by hand: client.html.

import { socketUrl } from './config/config.js'
import { button, form, h } from './dom/h.js'
import { encode } from './model/protocol.js'
import { clock } from './text/format.js'
import { language, t } from './text/i18n.js'

const MAX_LINES = 500
const MAX_LENGTH = 10_000
const AT_END = 40

const COMMANDS = ['version', 'info', 'interval::1', 'start', 'stop', 'plugins', 'quit']

/** @type {WebSocket | null} */
let socket = null

const host = input('text')
const token = input('password')
const command = input('text')
const toggle = h('button.button.primary')
const log = h('ol.console-log', { tabindex: 0, 'aria-label': t('Conversation') })

function input(type) {
  return h('input', { type, spellcheck: 'false', autocomplete: 'off' })
}

function say(sign, message) {
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < AT_END
  const text = h('div', message.slice(0, MAX_LENGTH))
  log.append(h('li', h('time', clock(Date.now())), h('span', sign), text))
  if (log.childElementCount > MAX_LINES) log.firstElementChild?.remove()
  if (isAtEnd) log.scrollTop = log.scrollHeight
}

function sayState(state, detail) {
  toggle.textContent = t(socket ? 'Disconnect' : 'Connect')
  say('·', `${t(state)}: ${detail}`)
}

function connect() {
  const got = host.value.trim()
  const url = socketUrl(got, location.href)
  if (!url) {
    say('·', t('need', { got, what: t('address') }))
    return
  }
  try {
    socket = new WebSocket(url)
  } catch (error) {
    say('·', String(error))
    return
  }
  sayState('Connecting', url)
  socket.onmessage = ({ data }) => say('←', String(data).trim())
  socket.onclose = ({ code, reason }) => {
    socket = null
    sayState('Disconnected', `${code} ${reason}`)
  }
}

function send(line, shown = line) {
  if (socket?.readyState !== WebSocket.OPEN) {
    say('·', t('Disconnected'))
    return
  }
  socket.send(line)
  say('→', shown)
}

function toggleConnection() {
  if (socket) socket.close()
  else connect()
}

function sendToken() {
  // What is written down may be read over a shoulder.
  send(encode('auth', [token.value]), 'auth::…')
  token.value = ''
}

function sendCommand() {
  send(command.value)
  command.select()
}

const row = (label, field, act, submit) => (
  form('row', act, h('label.grow', t(label), field), submit)
)

document.documentElement.lang = language
document.title = t('Protocol console')
document.querySelector('.boot')?.replaceWith(
  h('header.bar', h('h1', document.title), h('a', { href: 'monitoring.html' }, t('Dashboard'))),
  h(
    'main.console',
    row('Host', host, toggleConnection, toggle),
    log,
    h('div.row', COMMANDS.map((line) => button(line, () => send(line)))),
    row('Token', token, sendToken, h('button.button', 'auth')),
    row('Command', command, sendCommand, h('button.button.primary', t('Send'))),
  ),
)
connect()
