// Numbers as text: three significant digits at most, and a unit that stays put while a figure is shown. Pure.

/** The decimal sign and the units' names of the language; i18n sets them. */
export const locale = { decimal: '.', units: /** @type {Record<string, string>} */ ({}) }
/** Shown where there is no figure. */
export const NONE = '—'
const NAMES = { bytes: ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'], rate: ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s', 'PB/s'], count: ['', 'k', 'M', 'G', 'T', 'P', 'E'] }

const point = (text) => text.replace('.', locale.decimal)
const unit = (name) => locale.units[name] ?? name

/** @param {number} value */
export function digits(value) {
	if (!Number.isFinite(value)) return NONE
	const size = Math.abs(value)
	return point(value.toFixed(size >= 99.95 || Number.isInteger(value) ? 0 : size >= 9.995 ? 1 : 2))
}

/** Whole percent from ten on, one decimal below. @param {number} value a ratio */
export function percent(value) {
	if (!Number.isFinite(value)) return NONE
	const hundred = value * 100
	return `${point(hundred.toFixed(hundred >= 9.95 || hundred < 0.05 ? 0 : 1))} %`
}

/** @param {number} value @param {keyof NAMES} family */
export function unitFor(value, family) {
	const base = family === 'bytes' ? 1024 : 1000
	const last = NAMES[family].length - 1
	let [step, factor] = [0, 1]
	for (; Math.abs(value) >= factor * base * 0.9995 && step < last; step++) factor *= base
	return { factor, name: NAMES[family][step] }
}

/** @param {number} value */
export function scaled(value, { factor, name }) {
	if (!Number.isFinite(value)) return NONE
	// Figures of one unit keep their decimals, so that 0 and 0.31 stand under each other.
	const text = factor > 1 && value / factor < 9.995 ? point((value / factor).toFixed(2)) : digits(Math.round(value) === value || factor > 1 ? value / factor : Math.round(value))
	return name ? `${text} ${unit(name)}` : text
}

export const bytes = (value) => scaled(value, unitFor(value, 'bytes'))
export const rate = (value) => scaled(value, unitFor(value, 'rate'))
export const count = (value) => value < 1e5 ? digits(value < 10 ? value : Math.round(value)) : scaled(value, unitFor(value, 'count'))

/** Rises at once, falls only when all that is shown is far below, so that a figure does not flicker between two units. */
export function steadyUnit(held, peak, family) {
	const wanted = unitFor(peak, family)
	return !held || wanted.factor > held.factor || peak < held.factor * 0.2 ? wanted : held
}

/** The next of 1, 2, 5, 10 … at or above a value, as the top of a scale. @param {number} value */
export function ceiling(value) {
	if (!(value > 0)) return 1
	const power = 10 ** Math.floor(Math.log10(value))
	return ([1, 2, 5].find((step) => value <= step * power) ?? 10) * power
}

/** @param {number} time milliseconds since the epoch */
export const clock = (time) => new Date(time).toTimeString().slice(0, 8)

/** @param {number} seconds */
export function span(seconds) {
	const whole = Math.max(0, Math.round(seconds))
	if (whole < 60) return `${whole} ${unit('s')}`
	if (whole < 3600) return `${Math.floor(whole / 60)} ${unit('min')} ${whole % 60} ${unit('s')}`
	return `${Math.floor(whole / 3600)} ${unit('h')} ${Math.floor((whole % 3600) / 60)} ${unit('min')}`
}
