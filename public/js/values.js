// Reading what a stranger sent: every number is checked to be finite, every text is cut, every list is counted. Pure.

/** Longest text shown from outside. */
export const MAX_TEXT = 120

/**
 * @param {unknown} value
 * @returns {number} NaN for anything that is not a finite number
 */
export function num(value) {
  return typeof value === 'number' && Number.isFinite(value) ? value : NaN
}

/**
 * @param {unknown} value
 * @returns {number} 0 to 1, or NaN
 */
export function ratio(value) {
  const number = num(value)
  return number < 0 ? 0 : number > 1 ? 1 : number
}

/**
 * Not below zero, and not beyond what any figure of a machine can be.
 * @param {unknown} value
 */
export function amount(value) {
  const number = num(value)
  return number < 0 ? 0 : number > 1e21 ? NaN : number
}

/**
 * Control characters and direction marks have no business in a name.
 * @param {unknown} value
 * @param {number} [most]
 */
export function text(value, most = MAX_TEXT) {
  const plain = typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
  const cut = plain.length > most ? `${plain.slice(0, most)}…` : plain
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ')
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>|null}
 */
export function record(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? /** @type {Record<string, unknown>} */ (value) : null
}

/**
 * @param {unknown} value
 * @param {string} key
 */
export function own(value, key) {
  const object = record(value)
  return object && Object.hasOwn(object, key) ? object[key] : undefined
}

/**
 * Walks down by own keys only.
 * @param {unknown} value
 * @param {string[]} path
 */
export function at(value, ...path) {
  let here = value
  for (const key of path) here = own(here, key)
  return here
}

/**
 * The rows of an object, not more than `most`, and how many there are.
 * @param {unknown} value
 * @param {number} most
 * @returns {{entries: [string, unknown][], total: number}}
 */
export function entries(value, most) {
  const object = record(value)
  if (!object) return { entries: [], total: 0 }
  const keys = Object.keys(object)
  return { entries: keys.slice(0, most).map((key) => [key, object[key]]), total: keys.length }
}

/**
 * @param {unknown} value
 * @param {number} most
 * @returns {{items: unknown[], total: number}}
 */
export function items(value, most) {
  return Array.isArray(value) ? { items: value.slice(0, most), total: value.length } : { items: [], total: 0 }
}

/**
 * Seconds since boot out of the words of `uptime`: "19 min", "4:05", "1 day, 22 min", "3 days,  4:05".
 * @param {unknown} value
 */
export function uptimeSeconds(value) {
  if (typeof value !== 'string' || value.length > 60) return NaN
  const parts = /^\s*(?:(\d+) days?,?\s*)?(?:(\d+):(\d+)|(\d+) min)?\s*$/.exec(value)
  if (!parts || value.trim() === '') return NaN
  const [, days = '0', hours = '0', minutes = '0', alone = '0'] = parts
  return Number(days) * 86400 + Number(hours) * 3600 + (Number(minutes) + Number(alone)) * 60
}
