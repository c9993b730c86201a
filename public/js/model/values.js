// Reading what a server sends: of any type, size and depth, and nothing of it is trusted.

/** Finite, or NaN. @param {unknown} value */
export const finite = (value) => (
  typeof value === 'number' && Number.isFinite(value) ? value : NaN
)

/** From 0 to 1, or NaN. @param {unknown} value */
export const ratio = (value) => Math.min(1, Math.max(0, finite(value)))

// Beyond it, no figure of a machine is true.
const LARGEST_AMOUNT = 1e21

/** From 0 up, or NaN. @param {unknown} value */
export function amount(value) {
  const number = finite(value)
  return number > LARGEST_AMOUNT ? NaN : Math.max(0, number)
}

/** NaN without a whole. @param {unknown} part @param {unknown} whole */
export const share = (part, whole) => (
  amount(whole) > 0 ? ratio(amount(part) / amount(whole)) : NaN
)

/** NaN where there is none. @param {number[]} values */
export const largest = (values) => values.reduce(
  (best, value) => (!Number.isNaN(value) && !(best >= value) ? value : best),
  NaN,
)

// Control characters, and marks that would turn the text around them.
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g

/** @param {unknown} value @param {number} [limit] */
export function plainText(value, limit = 120) {
  if (!['string', 'number', 'boolean'].includes(typeof value)) return ''
  const whole = String(value)
  const cut = whole.length > limit ? `${whole.slice(0, limit)}…` : whole
  return cut.replace(UNPRINTABLE, ' ')
}

/** @param {unknown} value @returns {value is Record<string, any>} */
const hasKeys = (value) => typeof value === 'object' && value !== null

/** @param {unknown} value @returns {value is Record<string, any>} */
export const isObject = (value) => hasKeys(value) && !Array.isArray(value)

/** @param {string | null} json @returns {Record<string, any> | null} */
export function parseObject(json) {
  try {
    const value = JSON.parse(json ?? '')
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/**
 * Own keys only: `constructor` is in every object.
 * @param {any} value @param {string[]} path @returns {any}
 */
export function at(value, ...path) {
  let found = value
  for (const key of path) {
    found = hasKeys(found) && Object.hasOwn(found, key) ? found[key] : undefined
  }
  return found
}

/**
 * The first ones: a push may hold thousands.
 * @param {unknown} value @param {number} [limit] @returns {{ rows: Row[], total: number }}
 */
export function rowsOf(value, limit = 60) {
  if (!hasKeys(value)) return { rows: [], total: 0 }
  const keys = Object.keys(value)
  return {
    rows: keys.slice(0, limit).map((key) => ({ key, value: value[key] })),
    total: keys.length,
  }
}

const UPTIME = /^(?=.*\d)\s*(?:(\d+) days?,?\s*)?(?:(\d+):(\d+)|(\d+) min)?\s*$/

/** "19 min", "4:05", "1 day, 22 min", "3 days,  4:05". @param {unknown} value */
export function uptimeSeconds(value) {
  const parts = UPTIME.exec(plainText(value))
  const [, days, hours, minutes, alone] = parts?.map((part) => Number(part ?? 0)) ?? []
  return days * 86400 + hours * 3600 + (minutes + alone) * 60
}

/** State that says when it changes. */
export class Announcer extends EventTarget {
  /** @param {string[]} names */
  announce(...names) {
    for (const name of names) this.dispatchEvent(new Event(name))
  }
}
