// The protocol, typed by hand.

import {urlOf} from './config.js'
import {button, form, h} from './dom.js'
import {clock} from './format.js'
import {language, t} from './i18n.js'
import {encode} from './protocol.js'

const LINES = 500
const LONG = 10_000

let socket = /** @type {any} */ (null)
const input = (type = 'text') => h('input', {type, spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off'})
const [host, token, command, toggle] = [input(), input('password'), input(), h('button.button.primary')]
const log = h('ol.console-log', {tabindex: 0, 'aria-label': t('Conversation')})

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
		told('Connecting', socket.url)
		socket.onmessage = ({data}) => say('←', String(data).trim())
		socket.onclose = ({code, reason}) => {
			socket = null
			told('Disconnected', `${code} ${reason}`)
		}
	} catch (error) {
		say('·', String(error))
	}
}

function send(line, shown = line) {
	if (socket?.readyState !== WebSocket.OPEN) return say('·', t('Disconnected'))
	socket.send(line)
	say('→', shown)
}

document.documentElement.lang = language
document.title = t('Protocol console')
document.getElementById('boot')?.replaceWith(h('header.bar', h('h1', document.title), h('a', {href: 'monitoring.html'}, t('Dashboard'))), h('main.console',
	form('row', () => (socket ? socket.close() : connect()), h('label.grow', t('Host'), host), toggle),
	log,
	h('div.row', ['version', 'info', 'interval::1', 'start', 'stop', 'plugins', 'quit'].map(line => button(line, () => send(line)))),
	form('row', () => {
		send(encode('auth', [token.value]), 'auth::…')
		token.value = ''
	}, h('label.grow', t('Token'), token), h('button.button', 'auth')),
	form('row', () => {
		if (command.value) send(command.value)
		command.select()
	}, h('label.grow', t('Command'), command), h('button.button.primary', t('Send')))))
connect()
