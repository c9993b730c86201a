// The configuration: what is right, where it is wrong, which URL a host is.

const ID = /^[\w\-.,]{1,64}$/
const HOST = /^(?:(wss?):\/\/)?(\[[\da-f:.%]+\]|[\p{L}\p{N}\-._]{1,253})(?::(\d{1,5}))?(\/[^\s#]*)?$/iu

export class ConfigError extends Error {
	constructor(where, got, what = '', values = {}, key = 'need') {
		const shown = got === undefined ? '—' : JSON.stringify(got)
		super(`${where} ${key} ${what}`)
		Object.assign(this, {where: where.replace(/^\./, ''), key, what, values: {got: shown.length > 60 ? `${shown.slice(0, 60)}…` : shown, ...values}})
	}
}

function check(ok, value, where, what, otherwise, values = {}) {
	value ??= otherwise
	if (value === undefined || !ok(value)) throw new ConfigError(where, value, what, values)
	return value
}
const kind = (ok, what) => (value, where, otherwise) => check(ok, value, where, what, otherwise)
const object = kind(one => typeof one === 'object' && !Array.isArray(one), 'an object')
const list = kind(Array.isArray, 'a list')
const text = kind(one => typeof one === 'string' && one.length <= 200, 'a text of at most 200 characters')
const truth = kind(one => typeof one === 'boolean', 'true or false')
function number(value, where, min, max, otherwise) {
	const got = typeof value !== 'string' ? value : value.trim() ? Number(value.replace(',', '.')) : undefined
	return check(one => typeof one === 'number' && one >= min && one <= max, Number.isNaN(got) ? value : got, where, '{min} to {max}', otherwise, {min, max})
}

/** @returns {ServerConfig} */
export function checkServer(value, where) {
	const given = object(value, where)
	const levels = object(given.thresholds, `${where}.thresholds`, {})
	const level = (key, otherwise, min = 1, max = 100) => number(levels[key], `${where}.thresholds.${key}`, min, max, otherwise)
	const of = (key, read, ...rest) => read(given[key], `${where}.${key}`, ...rest)
	const id = check(one => ID.test(one), typeof given.id === 'number' ? String(given.id) : given.id, `${where}.id`, 'letters, digits and _ - . ,')
	return {
		id,
		name: of('name', text, id).trim() || id,
		host: check(one => !one || urlOf(one, ''), of('host', text, '').trim(), `${where}.host`, 'address'),
		interval: of('interval', number, 0.5, 86400, 1),
		autoStart: of('autoStart', truth, true),
		token: of('token', text, ''),
		thresholds: {cpu: level('cpu', 90), memory: level('memory', 85), swap: level('swap', 10), hold: level('hold', 10, 0, 3600)},
	}
}

/** Accepts the original’s first form too. @returns {Config} */
export function checkConfig(value) {
	const given = object(value, '')
	check(one => one === 1, given.version, 'version', '1', 1)
	const columns = given.columns === undefined && given.servers !== undefined ? firstForm(given) : list(given.columns, 'columns')
	const seen = new Set()
	return {version: 1, columns: columns.map((entry, c) => {
		const at = `columns[${c}]`
		const column = object(entry, at)
		return {name: text(column.name, `${at}.name`, ''), servers: list(column.servers, `${at}.servers`, []).map((item, s) => {
			const where = `${at}.servers[${s}]`
			const server = checkServer(item, where)
			if (seen.has(server.id)) throw new ConfigError(`${where}.id`, server.id, '', {}, 'idTaken')
			seen.add(server.id)
			return server
		})}
	})}
}

function firstForm(given) {
	const columns = Array.from({length: Math.floor(number(given.cols, 'cols', 1, 100, 1))}, () => ({servers: /** @type {any[]} */ ([])}))
	list(given.servers, 'servers').forEach((item, s) => {
		const column = number(object(item, `servers[${s}]`).col, `servers[${s}].col`, 1, columns.length, 1)
		columns[Math.floor(column) - 1].servers.push(item)
	})
	return columns
}

export function parseConfig(source) {
	let value
	try {
		value = JSON.parse(source.replace(/^\uFEFF/, ''))
	} catch {
		const lines = source.slice(0, faultAt(source)).split('\n')
		throw new ConfigError('', undefined, '', {got: `${lines.length}:${lines.at(-1).length + 1}`}, 'notJson')
	}
	return checkConfig(value)
}

/** Where a text stops being JSON: engines do not all tell. */
function faultAt(source) {
	let at = 0
	const eat = token => {
		while (/[\s\uFEFF]/.test(source[at] ?? '')) at++
		token.lastIndex = at
		return token.test(source) && (at = token.lastIndex) > 0
	}
	const items = (item, end) => {
		if (eat(end)) return true
		do if (!item()) return false
		while (eat(/,/y))
		return eat(end)
	}
	const string = () => eat(/"(?:[^"\\\0-\x1f]|\\.)*"/y)
	const value = () => eat(/\{/y) ? items(() => string() && eat(/:/y) && value(), /\}/y)
		: eat(/\[/y) ? items(value, /\]/y) : string() || eat(/-?\d[\d.eE+-]*|true|false|null/y)
	value()
	eat(/$/y)
	return at
}

/** @param {Config} config */
export function serialise({columns}, withTokens) {
	const kept = columns.map(({name, servers}) => ({name, servers: servers.map(({token, ...rest}) => ({...rest, ...(withTokens && token && {token})}))}))
	return `${JSON.stringify({version: 1, columns: kept}, null, 2)}\n`
}

/** Port 8000 for wss too; no host is `ws` in the folder of the page; nothing for what is no host. */
export function urlOf(host, page) {
	if (!host) {
		const url = new URL('ws', page)
		return `${url.protocol === 'https:' ? 'wss' : 'ws'}://${url.host}${url.pathname}`
	}
	const [, scheme = 'ws', name, port = '8000', path = '/'] = HOST.exec(host) ?? []
	return name && Number(port) > 0 && Number(port) < 65536 ? `${scheme.toLowerCase()}://${name}:${port}${path}` : ''
}
