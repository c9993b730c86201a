// The wire as text: escaping in one place, by the server's own rules (tests/vectors/protocol.json). Pure.

/** What the original trims from both ends of a message. */
const EDGES = /^[ \t\n\r\0\v]+|[ \t\n\r\0\v]+$/g

/**
 * No two colons may stand side by side in an argument, nor one at its end before a separator.
 * @param {string} name @param {string[]} args
 */
export function encode(name, args = []) {
	return `${name}::${args.map((arg, at) => {
		const text = arg.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/:(?=:)/g, '\\:')
		return at + 1 < args.length && text.endsWith(':') ? `${text.slice(0, -1)}\\:` : text
	}).join('::')}`
}

/**
 * Names are case-insensitive and come back in lower case; an empty argument string is no arguments.
 * @param {string} text @returns {{name: string, args: string[]}}
 */
export function decode(text) {
	const message = text.replace(EDGES, '')
	const cut = message.indexOf('::')
	const name = (cut < 0 ? message : message.slice(0, cut)).replace(/[A-Z]+/g, (part) => part.toLowerCase())
	const rest = cut < 0 ? '' : message.slice(cut + 2)
	if (!rest) return { name, args: [] }
	const args = ['']
	// Runs between special characters are copied whole: a push is one long argument.
	for (const [part] of rest.matchAll(/[^\\:]+|\\[^]?|::|:/gu)) {
		if (part === '::') args.push('')
		else args[args.length - 1] += part[0] === '\\' ? (part === '\\n' ? '\n' : part.slice(1)) : part
	}
	return { name, args }
}
