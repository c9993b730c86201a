// The wire as text; tests/vectors/protocol.json pins it, here and in the server.

const EDGES = ' \t\n\r\0\v'

/** @param {string} name @param {string[]} args */
export const encode = (name, args = []) => `${name}::${args.map(escape).join('::')}`

// No two colons may stand side by side.
function escape(argument, place, all) {
  const text = argument.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/:(?=:)/g, '\\:')
  const followed = place + 1 < all.length
  return followed && text.endsWith(':') ? `${text.slice(0, -1)}\\:` : text
}

/**
 * In one pass, however the text is made: the server may mean harm.
 * @param {string} text @returns {{ name: string, args: string[] }}
 */
export function decode(text) {
  const message = trim(text)
  const end = message.indexOf('::')
  const name = end < 0 ? message : message.slice(0, end)
  const rest = end < 0 ? '' : message.slice(end + 2)
  return {
    // ASCII letters only, as the server compares.
    name: name.replace(/[A-Z]+/g, (part) => part.toLowerCase()),
    args: rest ? decodeArguments(rest) : [],
  }
}

// Not by a pattern: one that is anchored at the end takes quadratic time over a run of spaces.
function trim(text) {
  let start = 0
  let end = text.length
  while (start < end && EDGES.includes(text[start])) start++
  while (start < end && EDGES.includes(text[end - 1])) end--
  return text.slice(start, end)
}

function decodeArguments(text) {
  const find = (what, from) => {
    const place = text.indexOf(what, from)
    return place < 0 ? text.length : place
  }
  const args = ['']
  let from = 0
  let escape = find('\\', 0)
  let separator = find('::', 0)
  for (;;) {
    const stop = Math.min(escape, separator)
    args[args.length - 1] += text.slice(from, stop)
    if (stop === text.length) return args
    if (stop === separator) args.push('')
    else args[args.length - 1] += unescape(text[stop + 1])
    from = stop + 2
    if (escape < from) escape = find('\\', from)
    if (separator < from) separator = find('::', from)
  }
}

const unescape = (character) => (character === 'n' ? '\n' : character ?? '')
