// The protocol, typed by hand.

import {urlOf} from './config.js'
import {button, form, h} from './dom.js'
import {clock} from './format.js'
import {language, t} from './i18n.js'
import {encode} from './protocol.js'

const LINES = 500
const LONG = 10_000

let socket = /** @type {any} */ (null)
const input = (type = 'text') => h('input', {type, spellcheck: 'false', autocomplete: 'off'})
const [host, token, command, toggle] = [input(), input('password'), input(), h('button.button.primary')]
const log = h('ol.console-log', {tabindex: 0, 'aria-label': t('Conversation')})
const row = (label, field, act, submit) => form('row', act, h('label.grow', t(label), field), submit)

function say(sign, message) {
	const follow = log.scrollHeight - log.scrollTop - log.clientHeight < 40
	log.append(h('li', h('time', clock(Date.now())), h('span', sign), h('div', message.slice(0, LONG))))
	if (log.childElementCount > LINES) log.firstElementChild?.remove()
	if (follow) log.scrollTop = log.scrollHeight
}

function told(word, detail) {
	toggle.textContent = t(socket ? 'Disconnect' : 'Connect')
	say('·', `${t(word)}: ${detail}`)
}

function connect() {
	const got = host.value.trim()
	const url = urlOf(got, location.href)
	if (!url) return say('·', t('need', {got, what: t('address')}))
	try {
		socket = new WebSocket(url)
	} catch (error) {
		return say('·', String(error))
	}
	told('Connecting', url)
	socket.onmessage = ({data}) => say('←', String(data).trim())
	socket.onclose = ({code, reason}) => {
		socket = null
		told('Disconnected', `${code} ${reason}`)
	}
}

function send(line, shown = line) {
	if (socket?.readyState !== WebSocket.OPEN) return say('·', t('Disconnected'))
	socket.send(line)
	say('→', shown)
}

document.documentElement.lang = language
const title = document.title = t('Protocol console')
document.querySelector('.boot')?.replaceWith(h('header.bar', h('h1', title), h('a', {href: 'monitoring.html'}, t('Dashboard'))), h('main.console',
	row('Host', host, () => (socket ? socket.close() : connect()), toggle),
	log,
	h('div.row', ['version', 'info', 'interval::1', 'start', 'stop', 'plugins', 'quit'].map(line => button(line, () => send(line)))),
	row('Token', token, () => {
		send(encode('auth', [token.value]), 'auth::…')
		token.value = ''
	}, h('button.button', 'auth')),
	row('Command', command, () => {
		send(command.value)
		command.select()
	}, h('button.button.primary', t('Send')))))
connect()
