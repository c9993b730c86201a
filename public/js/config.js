// The configuration: what is accepted, where it is wrong, and which URL a host stands for. Pure.

/** @typedef {import('./types.js').Config} Config */
/** @typedef {import('./types.js').ServerConfig} ServerConfig */
/** @typedef {import('./types.js').Thresholds} Thresholds */

export const MIN_INTERVAL = 0.5
export const MAX_INTERVAL = 86400
const MAX_SERVERS = 1000
const MAX_TEXT = 200
const ID = /^[A-Za-z0-9_\-.,]{1,64}$/
const HOST = /^(?:(wss?):\/\/)?(\[[0-9a-f:.%]+\]|[\p{L}\p{N}\-._]{1,253})(?::(\d{1,5}))?(\/[^\s#]*)?$/iu

/** The original's alarm levels, and a hold time so that a blip does not shout. @type {Thresholds} */
export const DEFAULT_THRESHOLDS = { cpu: 90, memory: 85, swap: 10, hold: 10 }

/** Where a configuration is wrong and what is accepted there. The text is shown as it is. */
export class ConfigError extends Error {
  /**
   * @param {string} where like `columns[0].servers[1].id`; empty for the whole text
   * @param {string} key what is wrong, a key of the texts
   * @param {Record<string, string>} values what the text mentions
   */
  constructor(where, key, values = {}) {
    super(`${where}: ${key} ${JSON.stringify(values)}`)
    this.where = where
    this.key = key
    this.values = values
  }
}

/**
 * @param {string} where
 * @param {string} key
 * @param {unknown} [got]
 * @returns {never}
 */
function fail(where, key, got) {
  const text = got === undefined ? '' : JSON.stringify(got) ?? String(got)
  throw new ConfigError(where, key, { got: text.length > 60 ? `${text.slice(0, 60)}…` : text })
}

/**
 * @param {unknown} value
 * @param {string} where
 * @returns {Record<string, unknown>}
 */
function object(value, where) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(where, 'needObject', value)
  return /** @type {Record<string, unknown>} */ (value)
}

/**
 * @param {unknown} value
 * @param {string} where
 * @returns {unknown[]}
 */
function list(value, where) {
  return Array.isArray(value) ? value : fail(where, 'needList', value)
}

/**
 * @param {unknown} value
 * @param {string} where
 * @param {string} otherwise
 */
function text(value, where, otherwise) {
  if (value === undefined || value === null) return otherwise
  if (typeof value !== 'string') return fail(where, 'needText', value)
  return value.length > MAX_TEXT ? fail(where, 'tooLong', value) : value
}

/**
 * A number, also when a hand-written file has it in quotes.
 * @param {unknown} value
 * @param {string} where
 * @param {{min: number, max: number, otherwise: number, key: string}} rule
 */
function number(value, where, rule) {
  if (value === undefined || value === null || value === '') return rule.otherwise
  const got = typeof value === 'string' ? Number(value.replace(',', '.')) : value
  if (typeof got !== 'number' || !(got >= rule.min && got <= rule.max)) return fail(where, rule.key, value)
  return got
}

/**
 * @param {unknown} value
 * @param {string} where
 * @returns {Thresholds}
 */
function thresholds(value, where) {
  const given = value === undefined || value === null ? {} : object(value, where)
  const out = { ...DEFAULT_THRESHOLDS }
  for (const key of /** @type {const} */ (['cpu', 'memory', 'swap'])) {
    out[key] = number(given[key], `${where}.${key}`, { min: 1, max: 100, otherwise: out[key], key: 'needPercent' })
  }
  out.hold = number(given.hold, `${where}.hold`, { min: 0, max: 3600, otherwise: out.hold, key: 'needHold' })
  return out
}

/**
 * @param {unknown} value
 * @param {string} where
 * @returns {ServerConfig}
 */
export function checkServer(value, where) {
  const given = object(value, where)
  const id = typeof given.id === 'number' ? String(given.id) : given.id
  if (typeof id !== 'string' || !ID.test(id)) return fail(`${where}.id`, 'needId', given.id ?? '')
  const host = text(given.host, `${where}.host`, '').trim()
  if (host !== '' && !validHost(host)) fail(`${where}.host`, 'needHost', host)
  const start = given.autoStart
  if (start !== undefined && start !== null && typeof start !== 'boolean') fail(`${where}.autoStart`, 'needBoolean', start)
  return {
    id,
    name: text(given.name, `${where}.name`, id).trim() || id,
    host,
    interval: number(given.interval, `${where}.interval`, { min: MIN_INTERVAL, max: MAX_INTERVAL, otherwise: 1, key: 'needInterval' }),
    autoStart: start !== false,
    token: text(given.token, `${where}.token`, ''),
    thresholds: thresholds(given.thresholds, `${where}.thresholds`),
  }
}

/**
 * Accepts what the page saves, what the original's page saved (`columns`), and the original's first form
 * (`cols: 2, servers: [{col: 1}]`). Unknown keys are left out.
 * @param {unknown} value
 * @returns {Config}
 */
export function checkConfig(value) {
  const given = object(value, '')
  if (given.version !== undefined && given.version !== 1) fail('version', 'needVersion', given.version)
  const columns = given.columns === undefined && given.servers !== undefined ? firstForm(given) : list(given.columns, 'columns')
  const seen = new Set()
  let count = 0
  return {
    version: 1,
    columns: columns.map((entry, c) => {
      const column = object(entry, `columns[${c}]`)
      return {
        name: text(column.name, `columns[${c}].name`, ''),
        servers: list(column.servers ?? [], `columns[${c}].servers`).map((item, s) => {
          const server = checkServer(item, `columns[${c}].servers[${s}]`)
          if (seen.has(server.id)) fail(`columns[${c}].servers[${s}].id`, 'idTaken', server.id)
          if (++count > MAX_SERVERS) fail(`columns[${c}].servers[${s}]`, 'tooMany', MAX_SERVERS)
          seen.add(server.id)
          return server
        }),
      }
    }),
  }
}

/** @param {Record<string, unknown>} given */
function firstForm(given) {
  const servers = list(given.servers, 'servers').map((item, s) => object(item, `servers[${s}]`))
  const wanted = number(given.cols, 'cols', { min: 1, max: 100, otherwise: 1, key: 'needColumn' })
  const columns = Array.from({ length: Math.floor(wanted) }, () => ({ servers: /** @type {unknown[]} */ ([]) }))
  servers.forEach((server, s) => {
    const at = number(server.col, `servers[${s}].col`, { min: 1, max: columns.length, otherwise: 1, key: 'needColumn' })
    columns[Math.floor(at) - 1]?.servers.push(server)
  })
  return columns
}

/**
 * A file's text as a configuration; a syntax error is told by line and column.
 * @param {string} source
 * @returns {Config}
 */
export function parseConfig(source) {
  let value
  try {
    value = JSON.parse(source.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new ConfigError('', 'notJson', { got: placeOf(String(/** @type {Error} */ (error).message), source) })
  }
  return checkConfig(value)
}

/**
 * Engines name either a position or a line and column, or neither.
 * @param {string} message
 * @param {string} source
 */
function placeOf(message, source) {
  const place = /line (\d+) column (\d+)/.exec(message)
  if (place) return `${place[1]}:${place[2]}`
  const position = /position (\d+)/.exec(message)
  const before = source.slice(0, position ? Number(position[1]) : source.length).split('\n')
  return `${before.length}:${(before.at(-1) ?? '').length + 1}`
}

/**
 * The text of a file to save. Tokens stay out unless asked for; what equals the default stays out too.
 * @param {Config} config
 * @param {boolean} withTokens
 */
export function serialise(config, withTokens) {
  const columns = config.columns.map((column) => ({
    ...(column.name ? { name: column.name } : {}),
    servers: column.servers.map(({ token, thresholds: levels, ...rest }) => ({
      ...rest,
      ...(withTokens && token ? { token } : {}),
      ...(JSON.stringify(levels) === JSON.stringify(DEFAULT_THRESHOLDS) ? {} : { thresholds: levels }),
    })),
  }))
  return `${JSON.stringify({ version: 1, columns }, null, 2)}\n`
}

/** @param {string} host */
export function validHost(host) {
  const parts = HOST.exec(host)
  if (!parts) return false
  const port = Number(parts[3] ?? 8000)
  return port >= 1 && port <= 65535
}

/**
 * The URL a host stands for: protocol ws, port 8000 and path / where nothing is said (8000 for wss too, as the original);
 * nothing at all is the server this page came from, at `ws` in the page's folder.
 * @param {string} host
 * @param {string} page the page's own URL
 */
export function urlOf(host, page) {
  if (host === '') {
    const url = new URL('ws', page)
    return `${url.protocol === 'https:' ? 'wss' : 'ws'}://${url.host || 'localhost:8000'}${url.pathname}`
  }
  const parts = HOST.exec(host)
  if (!parts) return ''
  return `${(parts[1] ?? 'ws').toLowerCase()}://${parts[2]}:${parts[3] ?? '8000'}${parts[4] ?? '/'}`
}
