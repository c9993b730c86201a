// client.html: a console for the protocol, typed by hand. Shows every message as it is on the wire.

import { urlOf, validHost } from './config.js'
import { button, check, h } from './dom.js'
import { clock } from './format.js'
import { language, t } from './i18n.js'
import { encode } from './protocol.js'

/** Lines kept, characters of one, and characters before one folds. */
const LINES = 500
const LONG = 10_000
const FOLDED = 160

let socket = /** @type {WebSocket|null} */ (null)
const typed = /** @type {string[]} */ ([])
let recalled = 0

const form = (act, ...contents) => h('form.row', { onsubmit: (event) => {
	event.preventDefault()
	act()
} }, contents.flat())
const plain = { spellcheck: 'false', autocomplete: 'off' }
const host = h('input', { ...plain, placeholder: urlOf('', location.href) })
const toggle = h('button.button.primary', t('Connect'))
const fold = check(t('Fold long lines'), true)
const log = h('ol.console-log', { tabindex: 0, 'aria-label': t('Conversation') })
const token = h('input', { ...plain, type: 'password' })
const command = h('input', { ...plain, autocapitalize: 'off', onkeydown: (event) => {
	const step = { ArrowUp: -1, ArrowDown: 1 }[event.key]
	if (!step) return
	event.preventDefault()
	recalled = Math.min(typed.length, Math.max(0, recalled + step))
	command.value = typed[recalled] ?? ''
} })

function say(sign, message) {
	const cut = message.length > LONG ? `${message.slice(0, LONG)}… (${message.length})` : message
	const body = sign === '←' && fold.box.checked && cut.length > FOLDED ? h('details', h('summary', `${cut.slice(0, FOLDED)}…`), cut) : cut
	const follow = log.scrollHeight - log.scrollTop - log.clientHeight < 40
	log.append(h('li', { 'data-sign': sign }, h('time', clock(Date.now())), h('span', sign), h('div', body)))
	while (log.childElementCount > LINES) log.firstElementChild?.remove()
	if (follow) log.scrollTop = log.scrollHeight
}

function connect() {
	const written = host.value.trim()
	if (written && !validHost(written)) return say('·', t('need', { got: written, what: t('address') }))
	const url = urlOf(written, location.href)
	say('·', t('connecting to {url}', { url }))
	try {
		const mine = socket = new WebSocket(url)
		toggle.textContent = t('Disconnect')
		mine.onopen = () => say('·', t('connected'))
		mine.onmessage = ({ data }) => say('←', typeof data === 'string' ? data.replace(/\n$/, '') : '(binary)')
		mine.onclose = ({ code, reason }) => {
			say('·', t('closed, code {code} {reason}', { code, reason }))
			socket = null
			toggle.textContent = t('Connect')
		}
	} catch (error) {
		say('·', String(error))
	}
}

function send(line, shown = line) {
	if (socket?.readyState !== WebSocket.OPEN) return say('·', t('not connected'))
	socket.send(line)
	say('→', shown)
}

document.documentElement.lang = language
document.title = `${t('Protocol console')} · rtstat`
document.getElementById('boot')?.replaceWith(h('header.bar', h('h1', t('Protocol console')), h('a', { href: 'monitoring.html' }, t('Dashboard'))), h('main.console',
	form(() => (socket ? socket.close() : connect()), h('label.grow', t('Host'), host), toggle),
	log,
	h('div.row', ['version', 'info', 'interval::1', 'start', 'stop', 'plugins', 'quit'].map((line) => button(line, () => send(line))), fold.node, button(t('Clear'), () => log.replaceChildren())),
	form(() => {
		send(encode('auth', [token.value]), 'auth::…')
		token.value = ''
	}, h('label.grow', t('Token'), token), h('button.button', 'auth')),
	form(() => {
		if (!command.value) return
		send(command.value)
		recalled = typed.push(command.value)
		command.value = ''
	}, h('label.grow', t('Command'), command), h('button.button.primary', t('Send')))))
connect()
