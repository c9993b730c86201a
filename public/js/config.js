// The configuration: what is accepted, where it is wrong, and which URL a host stands for. Pure.

/** @typedef {import('./types.js').Config} Config */
/** @typedef {import('./types.js').ServerConfig} ServerConfig */

const ID = /^[\w\-.,]{1,64}$/
const HOST = /^(?:(wss?):\/\/)?(\[[\da-f:.%]+\]|[\p{L}\p{N}\-._]{1,253})(?::(\d{1,5}))?(\/[^\s#]*)?$/iu

/** The original's levels, and a hold time so that a blip does not shout. @type {import('./types.js').Thresholds} */
export const DEFAULT_THRESHOLDS = { cpu: 90, memory: 85, swap: 10, hold: 10 }

/** Says where a configuration is wrong (`columns[0].servers[1].id`) and, by a key of the texts, what is accepted there. */
export class ConfigError extends Error {
	/** @param {string} where @param {string} key */
	constructor(where, key, got) {
		const shown = got === undefined ? '' : String(key === 'notJson' ? got : JSON.stringify(got))
		super(`${where} ${key} ${shown}`)
		Object.assign(this, { where: where.replace(/^\./, ''), key, got: shown.length > 60 ? `${shown.slice(0, 60)}…` : shown })
	}
}

/** @returns {any} the value, when it is right or there is another for a missing one */
function check(ok, value, where, key, otherwise) {
	if (value === undefined || value === null) value = otherwise
	if (value === undefined || !ok(value)) throw new ConfigError(where, key, value ?? '')
	return value
}
const object = (value, where) => check((one) => typeof one === 'object' && !Array.isArray(one), value, where, 'needObject')
const list = (value, where) => check(Array.isArray, value, where, 'needList')
const text = (value, where, otherwise) => check((one) => typeof one === 'string' && one.length <= 200, value, where, 'needText', otherwise)
/** A number, also when a hand-written file has it in quotes. */
function number(value, where, min, max, otherwise, key) {
	const got = typeof value === 'string' ? (value.trim() ? Number(value.replace(',', '.')) : undefined) : value
	return check((one) => typeof one === 'number' && one >= min && one <= max, Number.isNaN(got) ? value : got, where, key, otherwise)
}

/** @param {string} where @returns {ServerConfig} */
export function checkServer(value, where) {
	const given = object(value, where)
	const id = check((one) => ID.test(one), typeof given.id === 'number' ? String(given.id) : given.id, `${where}.id`, 'needId')
	const levels = object(given.thresholds ?? {}, `${where}.thresholds`)
	const level = (key, min, max) => number(levels[key], `${where}.thresholds.${key}`, min, max, DEFAULT_THRESHOLDS[key], min ? 'needPercent' : 'needHold')
	return {
		id,
		name: text(given.name, `${where}.name`, id).trim() || id,
		host: check((one) => one === '' || validHost(one), text(given.host, `${where}.host`, '').trim(), `${where}.host`, 'needHost'),
		interval: number(given.interval, `${where}.interval`, 0.5, 86400, 1, 'needInterval'),
		autoStart: check((one) => typeof one === 'boolean', given.autoStart, `${where}.autoStart`, 'needBoolean', true),
		token: text(given.token, `${where}.token`, ''),
		thresholds: { cpu: level('cpu', 1, 100), memory: level('memory', 1, 100), swap: level('swap', 1, 100), hold: level('hold', 0, 3600) },
	}
}

/**
 * Accepts what this page and the original's save, and the original's first form (`cols: 2, servers: [{col: 1}]`).
 * @returns {Config}
 */
export function checkConfig(value) {
	const given = object(value, '')
	check((one) => one === 1, given.version, 'version', 'needVersion', 1)
	const columns = given.columns === undefined && given.servers !== undefined ? firstForm(given) : list(given.columns, 'columns')
	const seen = new Set()
	return { version: 1, columns: columns.map((entry, c) => {
		const column = object(entry, `columns[${c}]`)
		const servers = list(column.servers ?? [], `columns[${c}].servers`).map((item, s) => {
			const where = `columns[${c}].servers[${s}]`
			const server = checkServer(item, where)
			if (seen.has(server.id)) throw new ConfigError(`${where}.id`, 'idTaken', server.id)
			if (seen.add(server.id).size > 1000) throw new ConfigError(where, 'tooMany', 1000)
			return server
		})
		return { name: text(column.name, `columns[${c}].name`, ''), servers }
	}) }
}

function firstForm(given) {
	const columns = Array.from({ length: Math.floor(number(given.cols, 'cols', 1, 100, 1, 'needColumn')) }, () => ({ servers: /** @type {any[]} */ ([]) }))
	list(given.servers, 'servers').forEach((item, s) => {
		const at = number(object(item, `servers[${s}]`).col, `servers[${s}].col`, 1, columns.length, 1, 'needColumn')
		columns[Math.floor(at) - 1]?.servers.push(item)
	})
	return columns
}

/** A file's text; a syntax error is told by line and column. @param {string} source @returns {Config} */
export function parseConfig(source) {
	let value
	try {
		value = JSON.parse(source.replace(/^\uFEFF/, ''))
	} catch {
		const before = source.slice(0, faultAt(source)).split('\n')
		throw new ConfigError('', 'notJson', `${before.length}:${(before.at(-1) ?? '').length + 1}`)
	}
	return checkConfig(value)
}

/** Where a text stops being JSON: engines do not all tell. @param {string} source */
function faultAt(source) {
	const token = /[\s\uFEFF]*(?:([{[])|([}\]])|(,)|(:)|("(?:[^"\\\0-\x1f]|\\.)*")|(-?\d[\d.eE+-]*|true|false|null))/y
	const open = /** @type {string[]} */ ([])
	let want = 'value'
	for (;;) {
		const from = token.lastIndex + (/^[\s\uFEFF]*/.exec(source.slice(token.lastIndex))?.[0].length ?? 0)
		const [, start, end, comma, colon, string, other] = token.exec(source) ?? []
		const value = want === 'value' || want === 'item'
		if (start && value) want = open.push(start) && start === '{' ? 'first' : 'item'
		else if (end && open.pop() === (end === '}' ? '{' : '[') && want !== 'value' && want !== 'key' && want !== 'colon' && (want === 'next' || (want === 'item') === (end === ']'))) want = 'next'
		else if (comma && want === 'next' && open.length) want = open.at(-1) === '{' ? 'key' : 'value'
		else if (colon && want === 'colon') want = 'value'
		else if (string && (want === 'key' || want === 'first')) want = 'colon'
		else if ((string || other) && value) want = 'next'
		else return from
	}
}

/** The text of a file; tokens stay out unless asked for. @param {Config} config @param {boolean} withTokens */
export function serialise(config, withTokens) {
	const columns = config.columns.map(({ name, servers }) => ({ ...(name && { name }), servers: servers.map(({ token, thresholds, ...rest }) => ({
		...rest, ...(withTokens && token && { token }), ...(JSON.stringify(thresholds) !== JSON.stringify(DEFAULT_THRESHOLDS) && { thresholds }),
	})) }))
	return `${JSON.stringify({ version: 1, columns }, null, 2)}\n`
}

/** @param {string} host */
export function validHost(host) {
	const parts = HOST.exec(host)
	const port = Number(parts?.[3] ?? 8000)
	return parts !== null && port >= 1 && port <= 65535
}

/**
 * Protocol ws, port 8000 (for wss too, as the original) and path / where nothing is said; no host at all is the server that
 * the page came from, at `ws` in the page's folder.
 * @param {string} host @param {string} page the page's own URL
 */
export function urlOf(host, page) {
	if (!host) {
		const url = new URL('ws', page)
		return `${url.protocol === 'https:' ? 'wss' : 'ws'}://${url.host || 'localhost:8000'}${url.pathname}`
	}
	const parts = HOST.exec(host)
	return parts ? `${(parts[1] ?? 'ws').toLowerCase()}://${parts[2]}:${parts[3] ?? '8000'}${parts[4] ?? '/'}` : ''
}
