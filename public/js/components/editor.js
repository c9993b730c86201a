// Changing what is watched: the tools of edit mode, the form of one server, the configuration as a whole.

import { checkServer, ConfigError, DEFAULT_THRESHOLDS, parseConfig, serialise, urlOf, validHost } from '../config.js'
import { button, check, h, iconButton } from '../dom.js'
import { t } from '../i18n.js'
import { store } from '../store.js'

/** @typedef {import('../types.js').ServerConfig} ServerConfig */

/** A configuration of a thousand servers is far below this. */
const MAX_FILE = 1_000_000
let last = 0

/** A modal form; the browser's own dialog keeps the focus inside and gives it back. */
function modal(title, content, confirm, act) {
	const id = `dialog-${++last}`
	const close = () => dialog.close()
	const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': id, onclose: () => dialog.remove() }, h('form', { onsubmit: (event) => {
		event.preventDefault()
		act?.(close)
	} }, h('header', { class: 'dialog-head' }, h('h2', { id }, title), iconButton('close', t('close'), close)), h('div', { class: 'dialog-body' }, ...content),
	confirm && h('footer', { class: 'row' }, h('button', { class: 'button primary' }, confirm), button(t('cancel'), close))))
	document.body.append(dialog)
	dialog.showModal()
}

/** Runs what may find fault with a configuration, and says where. @param {HTMLElement} fault */
function trying(fault, act) {
	fault.textContent = ''
	try {
		act()
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error
		fault.textContent = faultText(error)
	}
}

/** @param {any} error */
export const faultText = ({ where, key, got }) => `${where ? `${where}: ` : ''}${t(`config.${key}`, { got })}`

/** Column and place of a server. */
function find(config, id) {
	const c = config.columns.findIndex(({ servers }) => servers.some((server) => server.id === id))
	return [c, config.columns[c]?.servers.findIndex((server) => server.id === id) ?? -1]
}

function move(id, across, down) {
	store.edit((config) => {
		const [c, s] = find(config, id)
		const [from, to] = [config.columns[c]?.servers, config.columns[c + across]?.servers]
		if (from && to) to.splice(Math.max(0, s + down), 0, ...from.splice(s, 1))
	})
}

/** @param {import('../server.js').Server} server */
export function cardTools(server) {
	const { id, name } = server.config
	const tool = (drawing, act) => {
		const self = iconButton(drawing, `${t(`edit.${drawing}`)}: ${name}`, () => {
			act()
			// The columns were built again; the hand stays on the same button.
			self.focus()
		})
		return self
	}
	return h('div', { class: 'edit-tools', role: 'group', 'aria-label': t('edit.server', { name }), hidden: true },
		tool('left', () => move(id, -1, 0)), tool('up', () => move(id, 0, -1)), tool('down', () => move(id, 0, 1)), tool('right', () => move(id, 1, 0)),
		tool('edit', () => openServerDialog(server.config)),
		tool('close', () => store.edit((config) => {
			const [c, s] = find(config, id)
			config.columns[c]?.servers.splice(s, 1)
		})))
}

export function columnTools(index, total, name) {
	const which = name || String(index + 1)
	const field = h('input', { value: name, maxlength: 200, 'aria-label': t('edit.columnName'), placeholder: t('edit.columnName'), onchange: () => store.edit((config) => {
		config.columns[index].name = field.value.trim()
	}) })
	const tool = (drawing, label, act, disabled = false) => iconButton(drawing, `${label}: ${which}`, () => store.edit(act), { disabled })
	const shift = (by) => (config) => config.columns.splice(index + by, 0, ...config.columns.splice(index, 1))
	return h('div', { class: 'edit-tools', role: 'group', 'aria-label': t('edit.column', { name: which }) }, field,
		tool('left', t('edit.left'), shift(-1), index === 0), tool('right', t('edit.right'), shift(1), index === total - 1),
		tool('close', t('edit.removeColumn'), (config) => config.columns.splice(index, 1)), button(t('edit.addServer'), () => openServerDialog(null, index)))
}

/** Every key of one server, and the URL that comes of it. @param {ServerConfig|null} server null makes a new one @param {number} column where a new one goes */
export function openServerDialog(server, column = 0) {
	const taken = store.all().map(({ id }) => id)
	let n = taken.length + 1
	while (taken.includes(`server-${n}`)) n++
	const now = server ?? { id: `server-${n}`, name: '', host: '', interval: 1, autoStart: true, token: '', thresholds: DEFAULT_THRESHOLDS }
	const inputs = /** @type {Record<string, HTMLInputElement>} */ ({})
	const field = (key, value, attributes = {}) => h('label', {}, t(`server.${key}`), inputs[key] = h('input', { name: key, value, autocomplete: 'off', spellcheck: 'false', ...attributes }))
	const decimal = { inputmode: 'decimal' }
	const start = check(t('server.autoStart'), now.autoStart)
	const remember = check(t('rememberToken'), now.token !== '')
	const [url, fault] = [h('output', { class: 'url' }), h('p', { class: 'fault', role: 'alert' })]
	const levels = /** @type {const} */ (['cpu', 'memory', 'swap', 'hold'])
	const showUrl = () => {
		const host = inputs.host.value.trim()
		url.textContent = host === '' || validHost(host) ? urlOf(host, location.href) : t('config.needHost', { got: host })
	}
	const content = [
		h('div', { class: 'fields' }, field('name', now.name), field('id', now.id)), field('host', now.host, { placeholder: t('server.hostEmpty'), oninput: showUrl }),
		h('p', { class: 'muted' }, t('address'), ' ', url), h('div', { class: 'fields' }, field('interval', now.interval, decimal), field('token', store.tokenOf(now), { type: 'password' })),
		h('div', { class: 'row' }, start.node, remember.node),
		h('fieldset', {}, h('legend', {}, t('server.thresholds')), h('div', { class: 'fields fields-4' }, ...levels.map((key) => field(key, now.thresholds[key], decimal)))), fault,
	]
	showUrl()
	modal(t(server ? 'server.change' : 'server.add'), content, t('save'), (close) => trying(fault, () => {
		const value = (key) => inputs[key].value.trim()
		const checked = checkServer({ id: value('id'), name: value('name'), host: value('host'), interval: value('interval'), autoStart: start.box.checked,
			token: remember.box.checked ? value('token') : '', thresholds: Object.fromEntries(levels.map((key) => [key, value(key)])) }, '')
		store.edit((config) => {
			const [c, s] = server ? find(config, server.id) : [-1, -1]
			if (!config.columns.length) config.columns.push({ name: '', servers: [] })
			if (s >= 0) config.columns[c].servers[s] = checked
			else config.columns[column].servers.push(checked)
		}, () => store.setToken(checked, value('token'), remember.box.checked))
		close()
	}))
}

/** Load from a file, save to one, go back to the default. A faulty configuration says where and changes nothing. */
export function openConfigDialog() {
	const [fault, done] = [h('p', { class: 'fault', role: 'alert' }), h('p', { class: 'good', role: 'status' })]
	const withTokens = check(t('config.withTokens'), false)
	const remember = check(t('config.remember'), store.rememberTokens, (on) => {
		store.rememberTokens = on
		store.keep()
	})
	const area = h('textarea', { rows: 10, spellcheck: 'false', 'aria-label': t('config.text') })
	const show = () => area.value = serialise(store.config, false)
	const take = (source) => trying(fault, () => {
		done.textContent = ''
		const config = parseConfig(source)
		const loaded = store.all(config)
		if (loaded.some(({ token }) => token)) remember.box.checked = store.rememberTokens = true
		// A text without tokens does not take away those in use, as long as the address stays.
		else for (const server of loaded) server.token = store.all().find(({ id, host }) => id === server.id && host === server.host)?.token ?? ''
		store.replace(config)
		show()
		done.textContent = t('config.loaded', { n: loaded.length })
	})
	const file = h('input', { type: 'file', accept: '.json,application/json,text/plain', hidden: true, onchange: async () => {
		const chosen = file.files?.[0]
		if (chosen && chosen.size > MAX_FILE) fault.textContent = t('config.tooLarge')
		else if (chosen) take(await chosen.text())
		file.value = ''
	} })
	const save = () => {
		const href = URL.createObjectURL(new Blob([serialise(store.config, withTokens.box.checked)], { type: 'application/json' }))
		h('a', { href, download: 'rtstat-monitoring.json' }).click()
		setTimeout(() => URL.revokeObjectURL(href), 10_000)
	}
	show()
	modal(t('config.title'), [h('p', { class: 'muted' }, t('config.about')), file,
		h('div', { class: 'row' }, button(t('config.load'), () => file.click()), button(t('config.save'), save), withTokens.node), remember.node, area,
		h('div', { class: 'row' }, button(t('config.apply'), () => take(area.value)), button(t('config.default'), () => {
			store.forget()
			location.reload()
		})), fault, done])
}
