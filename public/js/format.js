// Numbers as text: three significant digits at most, and a unit that stays put while a figure is shown. Pure.

/**
 * The decimal sign and the units' names of the language in use; i18n sets them.
 * @type {{decimal: string, units: Record<string, string>}}
 */
export const locale = { decimal: '.', units: {} }

/** Shown where there is no figure. */
export const NONE = '—'

/**
 * @param {number} value
 * @returns {string} at most three significant digits
 */
export function digits(value) {
  if (!Number.isFinite(value)) return NONE
  const size = Math.abs(value)
  const text = size >= 99.95 || value === 0 ? value.toFixed(0) : size >= 9.995 ? value.toFixed(1) : value.toFixed(2)
  return locale.decimal === '.' ? text : text.replace('.', locale.decimal)
}

/** @param {number} value */
export function count(value) {
  if (!Number.isFinite(value)) return NONE
  return value < 1e5 ? String(Math.round(value)) : scaled(value, unitFor(value, 'count'))
}

/**
 * Whole percent above ten, one decimal below, always in the same width.
 * @param {number} value a ratio, 0 to 1
 */
export function percent(value) {
  if (!Number.isFinite(value)) return NONE
  const hundred = value * 100
  const text = hundred >= 9.95 || hundred === 0 ? hundred.toFixed(0) : hundred.toFixed(1)
  return `${locale.decimal === '.' ? text : text.replace('.', locale.decimal)} %`
}

/** @typedef {{factor: number, name: string}} Unit */

/** @type {Record<string, {base: number, names: string[]}>} */
const FAMILIES = {
  bytes: { base: 1024, names: ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] },
  rate: { base: 1000, names: ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s', 'PB/s'] },
  count: { base: 1000, names: ['', 'k', 'M', 'G', 'T', 'P', 'E'] },
}

/**
 * @param {number} value
 * @param {'bytes'|'rate'|'count'} family
 * @returns {Unit}
 */
export function unitFor(value, family) {
  const { base, names } = FAMILIES[family] ?? { base: 1000, names: [''] }
  let step = 0
  let factor = 1
  while (Math.abs(value) >= factor * base * 0.9995 && step < names.length - 1) {
    factor *= base
    step++
  }
  return { factor, name: names[step] ?? '' }
}

/**
 * @param {number} value
 * @param {Unit} unit
 */
export function scaled(value, unit) {
  if (!Number.isFinite(value)) return NONE
  const name = locale.units[unit.name] ?? unit.name
  return name ? `${digits(value / unit.factor)} ${name}` : digits(value / unit.factor)
}

/** @param {number} value */
export function bytes(value) {
  return scaled(value, unitFor(value, 'bytes'))
}

/** @param {number} value per second */
export function rate(value) {
  return scaled(value, unitFor(value, 'rate'))
}

/**
 * The unit of a figure with a history: it rises at once, and falls only when the peak of what is shown is far below it,
 * so that it does not flicker between two.
 * @param {Unit|undefined} held
 * @param {number} peak
 * @param {'bytes'|'rate'|'count'} family
 * @returns {Unit}
 */
export function steadyUnit(held, peak, family) {
  const wanted = unitFor(peak, family)
  if (!held || wanted.factor > held.factor || peak < held.factor * 0.2) return wanted
  return held
}

/**
 * The next round number above a value, as the top of a scale.
 * @param {number} value
 */
export function ceiling(value) {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  for (const step of [1, 2, 5]) if (value <= step * power) return step * power
  return 10 * power
}

/**
 * @param {number} time milliseconds since the epoch
 */
export function clock(time) {
  const date = new Date(time)
  const two = (/** @type {number} */ part) => String(part).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/**
 * @param {number} seconds
 */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds))
  const unit = (/** @type {string} */ name) => locale.units[name] ?? name
  if (whole < 60) return `${whole} ${unit('s')}`
  if (whole < 3600) return `${Math.floor(whole / 60)} ${unit('min')} ${whole % 60} ${unit('s')}`
  if (whole < 86400) return `${Math.floor(whole / 3600)} ${unit('h')} ${Math.floor((whole % 3600) / 60)} ${unit('min')}`
  return `${Math.floor(whole / 86400)} ${unit('d')} ${Math.floor((whole % 86400) / 3600)} ${unit('h')}`
}
