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

const submit = (act) => ({ class: 'row', onsubmit: (event) => {
	event.preventDefault()
	act()
} })
const plain = { spellcheck: 'false', autocomplete: 'off' }
const host = h('input', { ...plain, placeholder: urlOf('', location.href) })
const toggle = h('button', { class: 'button primary' }, t('console.connect'))
const fold = check(t('console.fold'), true)
const log = h('ol', { class: 'console-log', tabindex: 0, 'aria-label': t('console.log') })
const token = h('input', { ...plain, type: 'password' })
const command = h('input', { ...plain, autocapitalize: 'off', onkeydown: (event) => {
	const step = { ArrowUp: -1, ArrowDown: 1 }[event.key]
	if (!step) return
	event.preventDefault()
	recalled = Math.min(typed.length, Math.max(0, recalled + step))
	command.value = typed[recalled] ?? ''
} })

function say(kind, message) {
	const cut = message.length > LONG ? `${message.slice(0, LONG)}… (${message.length})` : message
	const body = kind === 'in' && fold.box.checked && cut.length > FOLDED ? h('details', {}, h('summary', {}, `${cut.slice(0, FOLDED)}…`), cut) : cut
	const follow = log.scrollHeight - log.scrollTop - log.clientHeight < 40
	log.append(h('li', { class: `console-${kind}` }, h('time', {}, clock(Date.now())), h('span', {}, { in: '←', out: '→' }[kind] ?? '·'), h('div', {}, body)))
	while (log.childElementCount > LINES) log.firstElementChild?.remove()
	if (follow) log.scrollTop = log.scrollHeight
}

function connect() {
	const written = host.value.trim()
	if (written && !validHost(written)) return say('note', t('config.needHost', { got: written }))
	const url = urlOf(written, location.href)
	say('note', t('console.opening', { url }))
	try {
		const mine = socket = new WebSocket(url)
		toggle.textContent = t('console.disconnect')
		mine.onopen = () => say('note', t('console.opened'))
		mine.onmessage = ({ data }) => say('in', typeof data === 'string' ? data.replace(/\n$/, '') : '(binary)')
		mine.onclose = ({ code, reason }) => {
			say('note', t('console.closed', { code, reason }))
			socket = null
			toggle.textContent = t('console.connect')
		}
	} catch (error) {
		say('note', String(error))
	}
}

function send(line, shown = line) {
	if (socket?.readyState !== WebSocket.OPEN) return say('note', t('console.notOpen'))
	socket.send(line)
	say('out', shown)
}

document.documentElement.lang = language
document.title = `${t('menu.console')} · rtstat`
document.getElementById('boot')?.replaceWith(h('header', { class: 'bar' }, h('h1', {}, t('menu.console')), h('a', { href: 'monitoring.html' }, t('console.dashboard'))),
	h('main', { class: 'console' },
		h('form', submit(() => (socket ? socket.close() : connect())), h('label', { class: 'grow' }, t('server.host'), host), toggle),
		log,
		h('div', { class: 'row' }, ...['version', 'info', 'interval::1', 'start', 'stop', 'plugins', 'quit'].map((line) => button(line, () => send(line))), fold.node, button(t('console.clear'), () => log.replaceChildren())),
		h('form', submit(() => {
			send(encode('auth', [token.value]), 'auth::…')
			token.value = ''
		}), h('label', { class: 'grow' }, t('token'), token), h('button', { class: 'button' }, 'auth')),
		h('form', submit(() => {
			if (!command.value) return
			send(command.value)
			recalled = typed.push(command.value)
			command.value = ''
		}), h('label', { class: 'grow' }, t('console.command'), command), h('button', { class: 'button primary' }, t('console.send')))))
connect()
