// What changes the configuration: edit mode’s tools and the dialogs.

import {checkServer, ConfigError, parseConfig, serialise, urlOf} from './config.js'
import {button, check, form, h, iconButton, setAttr} from './dom.js'
import {t} from './i18n.js'
import {store} from './store.js'

function modal(title, content, confirm, act) {
	const close = () => dialog.close()
	const dialog = h('dialog', {'aria-label': title, onclose: () => dialog.remove()}, form('', () => act?.(close),
		h('header', h('h2', title), iconButton('close', t('Close'), close)), h('div.dialog-body', content),
		confirm && h('footer.row', h('button.button.primary', confirm), button(t('Cancel'), close))))
	document.body.append(dialog)
	dialog.showModal()
}

function trying(fault, act) {
	fault.textContent = ''
	try {
		act()
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error
		fault.textContent = faultText(error)
	}
}

export const faultText = (/** @type {any} */ {where, key, what, values}) => `${where && `${where}: `}${t(key, { ...values, what: t(what, values) })}`

function find({columns}, id) {
	const c = columns.findIndex(({servers}) => servers.some(server => server.id === id))
	const servers = columns[c]?.servers ?? []
	return {servers, c, s: servers.findIndex(server => server.id === id)}
}

export function cardTools(server) {
	const tool = (drawing, label, act) => iconButton(drawing, t(label), () => store.edit(config => act(find(config, server.config.id), config)))
	const move = (arrow, across, down) => tool(arrow, `Move ${arrow}`, ({servers, c, s}, {columns}) =>
		columns[c + across]?.servers.splice(Math.max(0, s + down), 0, ...servers.splice(s, 1)))
	return h('div.edit-tools', {role: 'group'}, move('left', -1, 0), move('up', 0, -1), move('down', 0, 1), move('right', 1, 0),
		tool('close', 'Remove', ({servers, s}) => servers.splice(s, 1)))
}

export function nameTools(box, name) {
	setAttr(box, 'aria-label', name)
	for (const tool of box.children) setAttr(tool, 'aria-label', `${tool.title}: ${name}`)
}

export function columnTools(index, total, name) {
	const label = t('Column {n}', {n: index + 1})
	const which = name || label
	const field = h('input', {value: name, maxlength: 200, 'aria-label': label, placeholder: label,
		// Not before Tab has moved the focus.
		onchange: () => setTimeout(() => store.edit(({columns}) => {
			columns[index].name = field.value.trim()
		}))})
	const tool = (drawing, label, act, disabled = false) => iconButton(drawing, `${t(label)}: ${which}`, () => store.edit(act), {disabled})
	const shift = (arrow, by) => tool(arrow, `Move ${arrow}`, ({columns}) => columns.splice(index + by, 0, ...columns.splice(index, 1)),
		index + by < 0 || index + by === total)
	return h('div.edit-tools', {role: 'group', 'aria-label': which}, field, shift('left', -1), shift('right', 1),
		tool('close', 'Remove', ({columns}) => columns.splice(index, 1)),
		button(t('Add server'), () => openServerDialog(null, index)))
}

export function openServerDialog(server, column = 0) {
	let n = store.servers.size + 1
	while (store.servers.has(`server-${n}`)) n++
	const now = server ?? {...checkServer({id: `server-${n}`}, ''), name: ''}
	const inputs = /** @type {Record<string, HTMLInputElement>} */ ({})
	const field = (key, label, value, attributes = {}) => h('label', t(label),
		inputs[key] = h('input', {name: key, value, autocomplete: 'off', spellcheck: 'false', ...attributes}))
	const decimal = {inputmode: 'decimal'}
	const start = check(t('Connect when the page opens'), now.autoStart)
	const remember = check(t('Remember in this browser'), now.token !== '')
	const [url, fault] = [h('output.url'), h('p.fault', {role: 'alert'})]
	const showUrl = () => {
		const got = inputs.host.value.trim()
		url.textContent = urlOf(got, location.href) || t('need', {got, what: t('address')})
	}
	const levels = {cpu: 'CPU', memory: 'Memory', swap: 'Swap', hold: 'Hold, s'}
	const content = [
		h('div.fields', field('name', 'Name', now.name), field('id', 'Id', now.id)), field('host', 'Host', now.host, {placeholder: t('hostEmpty'), oninput: showUrl}),
		h('p.muted', url),
		h('div.fields', field('interval', 'Interval, s', now.interval, decimal), field('token', 'Token', store.tokenOf(now), {type: 'password'})),
		h('div.row', start.node, remember.node),
		h('fieldset', h('legend', t('Warn from, %')),
			h('div.fields', Object.entries(levels).map(([key, label]) => field(key, label, now.thresholds[key], decimal)))), fault,
	]
	showUrl()
	modal(t(server ? 'Settings' : 'Add server'), content, t('Save'), close => trying(fault, () => {
		const given = Object.fromEntries(Object.entries(inputs).map(([key, {value}]) => [key, value.trim()]))
		const checked = checkServer({...given, autoStart: start.box.checked, token: remember.box.checked ? given.token : '', thresholds: given}, '')
		store.edit(config => {
			if (!config.columns.length) config.columns.push({name: '', servers: []})
			const {servers, s} = find(config, server?.id)
			if (s >= 0) servers[s] = checked
			else config.columns[column].servers.push(checked)
		}, () => {
			store.setToken(checked, given.token, remember.box.checked)
			// Before its place is built anew, so that the focus goes back.
			close()
		})
	}))
}

export function openConfigDialog() {
	const [fault, done] = [h('p.fault', {role: 'alert'}), h('p.good', {role: 'status'})]
	const withTokens = check(t('with tokens'), false)
	const take = source => trying(fault, () => {
		done.textContent = ''
		const config = parseConfig(source)
		const loaded = store.all(config)
		if (!loaded.some(({token}) => token)) for (const server of loaded)
			server.token = store.all().find(({id, host}) => id === server.id && host === server.host)?.token ?? ''
		store.replace(config)
		done.textContent = t('Loaded; servers: {n}.', {n: loaded.length})
	})
	const file = h('input', {type: 'file', accept: '.json', hidden: true, onchange: async () => {
		const chosen = file.files?.[0]
		if (chosen) take(await chosen.text())
		file.value = ''
	}})
	const save = () => h('a', {download: 'rtstat-monitoring.json',
		href: `data:application/json,${encodeURIComponent(serialise(store.config, withTokens.box.checked))}`}).click()
	modal(t('Configuration'), [file, h('div.row', button(t('Load from file…'), () => file.click()), button(t('Use the default'), () => {
		store.forget()
		location.reload()
	})), h('div.row', button(t('Save to file'), save), withTokens.node), fault, done])
}
