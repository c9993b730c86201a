// The wire as text (tests/vectors/protocol.json).

const EDGES = ' \t\n\r\0\v'

/** No two colons may stand side by side. @param {string} name @param {string[]} args */
export function encode(name, args = []) {
	return `${name}::${args.map((arg, at) => {
		const text = arg.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/:(?=:)/g, '\\:')
		return at + 1 < args.length && text.endsWith(':') ? `${text.slice(0, -1)}\\:` : text
	}).join('::')}`
}

/** @param {string} text @returns {{name: string, args: string[]}} */
export function decode(text) {
	// Not by a pattern: that is quadratic in a stranger’s spaces.
	let [start, end] = [0, text.length]
	while (start < end && EDGES.includes(text[start])) start++
	while (start < end && EDGES.includes(text[end - 1])) end--
	const message = text.slice(start, end)
	const cut = message.indexOf('::')
	const name = (cut < 0 ? message : message.slice(0, cut)).replace(/[A-Z]+/g, part => part.toLowerCase())
	const rest = cut < 0 ? '' : message.slice(cut + 2)
	if (!rest) return {name, args: []}
	const args = ['']
	const find = (what, from) => {
		const place = rest.indexOf(what, from)
		return place < 0 ? rest.length : place
	}
	for (let from = 0, slash = find('\\', 0), pair = find('::', 0); ;) {
		const stop = Math.min(slash, pair)
		args[args.length - 1] += rest.slice(from, stop)
		if (stop === rest.length) return {name, args}
		if (stop === pair) args.push('')
		else args[args.length - 1] += rest[stop + 1] === 'n' ? '\n' : rest[stop + 1] ?? ''
		from = stop + 2
		if (slash < from) slash = find('\\', from)
		if (pair < from) pair = find('::', from)
	}
}
