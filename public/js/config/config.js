// The configuration: checked, with its defaults, and as a text.

/** Carries keys of texts instead of a sentence, so that the page can say it in its language. */
export class ConfigError extends Error {
  /** @param {ConfigFault} fault */
  constructor({ where = '', key = 'need', got, what = '', values = {} }) {
    super(`${where} ${key} ${what}`)
    this.where = where.replace(/^\./, '')
    this.key = key
    this.what = what
    this.values = { got: shortened(got), ...values }
  }
}

function shortened(value) {
  const shown = value === undefined ? '—' : JSON.stringify(value)
  return shown.length > 60 ? `${shown.slice(0, 60)}…` : shown
}

// Of the format, so that a later one can be told from this one.
const VERSION = 1
const ID = /^[\w\-.,]{1,64}$/

/** @param {Record<string, any>} rule */
function check({ accepts, value, where, what, otherwise, values }) {
  const given = value ?? otherwise
  if (given === undefined || !accepts(given)) {
    throw new ConfigError({ where, got: given, what, values })
  }
  return given
}

const kind = (accepts, what) => (value, where, otherwise) => (
  check({ accepts, value, where, what, otherwise })
)
const checkObject = kind((one) => typeof one === 'object' && !Array.isArray(one), 'an object')
const checkList = kind(Array.isArray, 'a list')
const checkText = kind(
  (one) => typeof one === 'string' && one.length <= 200,
  'a text of at most 200 characters',
)
const checkTruth = kind((one) => typeof one === 'boolean', 'true or false')

// A number, or the text of one with a point or a comma.
function checkNumber(value, where, { min, max, otherwise }) {
  const number = typeof value === 'string' ? numberOf(value) : value
  return check({
    accepts: (one) => typeof one === 'number' && one >= min && one <= max,
    // What is no number at all is shown as it was written.
    value: Number.isNaN(number) ? value : number,
    where,
    what: '{min} to {max}',
    otherwise,
    values: { min, max },
  })
}

const numberOf = (text) => (text.trim() ? Number(text.replace(',', '.')) : undefined)

function checkThresholds(value, where) {
  const given = checkObject(value, where, {})
  const of = (key, range) => checkNumber(given[key], `${where}.${key}`, range)
  return {
    cpu: of('cpu', { min: 1, max: 100, otherwise: 90 }),
    memory: of('memory', { min: 1, max: 100, otherwise: 85 }),
    swap: of('swap', { min: 1, max: 100, otherwise: 10 }),
    hold: of('hold', { min: 0, max: 3600, otherwise: 10 }),
  }
}

/** @param {any} value @param {string} where @returns {ServerConfig} */
export function checkServer(value, where) {
  const given = checkObject(value, where)
  const id = check({
    accepts: (one) => ID.test(one),
    value: typeof given.id === 'number' ? String(given.id) : given.id,
    where: `${where}.id`,
    what: 'letters, digits and _ - . ,',
  })
  return {
    id,
    name: checkText(given.name, `${where}.name`, id).trim() || id,
    host: check({
      accepts: (one) => !one || socketUrl(one, '') !== '',
      value: checkText(given.host, `${where}.host`, '').trim(),
      where: `${where}.host`,
      what: 'address',
    }),
    interval: checkNumber(given.interval, `${where}.interval`, {
      min: 0.5,
      max: 86400,
      otherwise: 1,
    }),
    autoStart: checkTruth(given.autoStart, `${where}.autoStart`, true),
    token: checkText(given.token, `${where}.token`, ''),
    thresholds: checkThresholds(given.thresholds, `${where}.thresholds`),
  }
}

/** In this format, or in the original's first one. @param {any} value @returns {Config} */
export function checkConfig(value) {
  const given = checkObject(value, '')
  check({
    accepts: (one) => one === VERSION,
    value: given.version,
    where: 'version',
    what: String(VERSION),
    otherwise: VERSION,
  })
  const isFirstForm = given.columns === undefined && given.servers !== undefined
  const columns = isFirstForm ? fromFirstForm(given) : checkList(given.columns, 'columns')
  const taken = new Set()
  return {
    version: VERSION,
    columns: columns.map((column, place) => checkColumn(column, `columns[${place}]`, taken)),
  }
}

function checkColumn(value, where, taken) {
  const given = checkObject(value, where)
  const name = checkText(given.name, `${where}.name`, '')
  const servers = checkList(given.servers, `${where}.servers`, [])
  return {
    name,
    servers: servers.map((one, place) => {
      const at = `${where}.servers[${place}]`
      const server = checkServer(one, at)
      if (taken.has(server.id)) {
        throw new ConfigError({ where: `${at}.id`, key: 'idTaken', got: server.id })
      }
      taken.add(server.id)
      return server
    }),
  }
}

// There, each server named its column.
function fromFirstForm(given) {
  const total = checkNumber(given.cols, 'cols', { min: 1, max: 100, otherwise: 1 })
  const columns = Array.from({ length: Math.floor(total) }, () => ({
    servers: /** @type {any[]} */ ([]),
  }))
  const servers = checkList(given.servers, 'servers')
  servers.forEach((server, place) => {
    const where = `servers[${place}]`
    const column = checkNumber(checkObject(server, where).col, `${where}.col`, {
      min: 1,
      max: columns.length,
      otherwise: 1,
    })
    columns[Math.floor(column) - 1].servers.push(server)
  })
  return columns
}

/** @param {string} source @returns {Config} */
export function parseConfig(source) {
  let value
  try {
    value = JSON.parse(source.replace(/^\uFEFF/, ''))
  } catch {
    throw new ConfigError({ key: 'notJson', values: { got: jsonFault(source) } })
  }
  return checkConfig(value)
}

/** @param {Config} config @param {boolean} withTokens */
export function serialise({ columns }, withTokens) {
  const written = columns.map(({ name, servers }) => ({
    name,
    servers: servers.map(({ token, ...rest }) => (withTokens && token ? { ...rest, token } : rest)),
  }))
  return `${JSON.stringify({ version: VERSION, columns: written }, null, 2)}\n`
}

/** @param {Config} config */
export const serversOf = ({ columns }) => columns.flatMap(({ servers }) => servers)

/**
 * Its column, the list it is in, and its place there; -1 where there is none.
 * @param {Config} config @param {string | undefined} id
 */
export function findServer({ columns }, id) {
  const column = columns.findIndex(({ servers }) => servers.some((server) => server.id === id))
  const servers = columns[column]?.servers ?? []
  return { column, servers, place: servers.findIndex((server) => server.id === id) }
}

/**
 * Where a text stops being JSON, as `line:column` from 1: not all engines tell.
 * @param {string} source
 */
function jsonFault(source) {
  let at = 0
  // The pattern is sticky: it matches here or nowhere.
  const take = (pattern) => {
    while (/[\s\uFEFF]/.test(source[at] ?? '')) at++
    pattern.lastIndex = at
    if (!pattern.test(source)) return false
    at = pattern.lastIndex
    return true
  }
  const items = (item, end) => {
    if (take(end)) return true
    do {
      if (!item()) return false
    } while (take(/,/y))
    return take(end)
  }
  const string = () => take(/"(?:[^"\\\0-\x1f]|\\.)*"/y)
  const member = () => string() && take(/:/y) && value()
  const value = () => {
    if (take(/\{/y)) return items(member, /\}/y)
    if (take(/\[/y)) return items(value, /\]/y)
    return string() || take(/-?\d[\d.eE+-]*|true|false|null/y)
  }
  value()
  // After a fault, this only skips the space before it.
  take(/$/y)
  const lines = source.slice(0, at).split('\n')
  return `${lines.length}:${(lines.at(-1) ?? '').length + 1}`
}

const HOST =
  /^(?:(wss?):\/\/)?(\[[\da-f:.%]+\]|[\p{L}\p{N}\-._]{1,253})(?::(\d{1,5}))?(\/[^\s#]*)?$/iu

/**
 * Port 8000 unless another is written, for wss too; no host is the `ws` beside the page, so that a
 * page behind a proxy finds its own server. Empty for what is no host.
 * @param {string} host @param {string} page
 */
export function socketUrl(host, page) {
  if (!host) {
    const beside = new URL('ws', page)
    return `${beside.protocol === 'https:' ? 'wss' : 'ws'}://${beside.host}${beside.pathname}`
  }
  const [, scheme = 'ws', name, port = '8000', path = '/'] = HOST.exec(host) ?? []
  if (!name || !(Number(port) > 0 && Number(port) < 65536)) return ''
  return `${scheme.toLowerCase()}://${name}:${port}${path}`
}
