// The wire as text: escaping in one place, the same rules as the server's codec. Pure; knows no sockets.

/** @typedef {{name: string, args: string[]}} Message */

/** What the original trims from both ends of a message: space, TAB, LF, CR, NUL and VT. */
const EDGES = /^[ \t\n\r\0\v]+|[ \t\n\r\0\v]+$/g

/**
 * Two colons are the separator, so no two may stand side by side in an argument: in a run of colons all but the last get
 * a backslash, and the last too when a separator follows it.
 * @param {string} argument
 * @param {boolean} followed another argument comes after this one
 */
function escape(argument, followed) {
  const text = argument.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/:(?=:)/g, '\\:')
  return followed && text.endsWith(':') ? `${text.slice(0, -1)}\\:` : text
}

/**
 * @param {string} name
 * @param {string[]} args
 */
export function encode(name, args = []) {
  return [name, ...args.map((argument, at) => escape(argument, at + 1 < args.length))].join('::')
}

/**
 * The name comes back in lower case: names are case-insensitive. An empty argument string is no arguments.
 * @param {string} text
 * @returns {Message}
 */
export function decode(text) {
  const message = text.replace(EDGES, '')
  const cut = message.indexOf('::')
  if (cut < 0) return { name: message.toLowerCase(), args: [] }
  const name = message.slice(0, cut).toLowerCase()
  const rest = message.slice(cut + 2)
  if (rest === '') return { name, args: [] }
  return { name, args: split(rest) }
}

/**
 * Copies runs between special characters as they are, since a push is one long argument.
 * @param {string} text
 */
function split(text) {
  const args = []
  const special = /\\|::/g
  let argument = ''
  let from = 0
  for (let hit = special.exec(text); hit; hit = special.exec(text)) {
    argument += text.slice(from, hit.index)
    if (hit[0] === '::') {
      args.push(argument)
      argument = ''
    } else {
      const next = text.charAt(hit.index + 1)
      argument += next === 'n' ? '\n' : next
      special.lastIndex = hit.index + 2
    }
    from = special.lastIndex
    if (from > text.length) break
  }
  args.push(argument + text.slice(from))
  return args
}
