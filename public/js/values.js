// Reading what a stranger sent.

export class Teller extends EventTarget {
	tell(...names) {
		for (const name of names) this.dispatchEvent(new Event(name))
	}
}

export const num = value => Number.isFinite(value) ? value : NaN

export const ratio = value => Math.min(1, Math.max(0, num(value)))

/** Not beyond what any figure of a machine can be. */
export const amount = value => num(value) > 1e21 ? NaN : Math.max(0, num(value))

/** Without control characters and direction marks. */
export function text(value, most = 120) {
	const plain = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : ''
	return (plain.length > most ? `${plain.slice(0, most)}…` : plain).replace(/[\0-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ')
}

export const isObject = value => typeof value === 'object' && value !== null && !Array.isArray(value)

export function parsed(json) {
	try {
		const value = JSON.parse(json)
		return isObject(value) ? value : null
	} catch {return null}
}

/** By own keys only. @param {...string} path */
export function at(value, ...path) {
	for (const key of path) value = typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? value[key] : undefined
	return value
}

export function rowsOf(value, most = 60) {
	const keys = typeof value === 'object' && value !== null ? Object.keys(value) : []
	return {rows: keys.slice(0, most).map(key => [key, value[key]]), total: keys.length}
}

export const share = (part, whole) => amount(whole) > 0 ? ratio(amount(part) / amount(whole)) : NaN

export const largest = values => values.reduce((best, value) => value === value && !(best >= value) ? value : best, NaN)

/** "19 min", "4:05", "1 day, 22 min", "3 days,  4:05". */
export function uptimeSeconds(value) {
	const parts = typeof value === 'string' && value.length < 60 && value.trim() ? /^\s*(?:(\d+) days?,?\s*)?(?:(\d+):(\d+)|(\d+) min)?\s*$/.exec(value) : null
	const [, days, hours, minutes, alone] = parts?.map(part => Number(part ?? 0)) ?? []
	return parts ? days * 86400 + hours * 3600 + (minutes + alone) * 60 : NaN
}
