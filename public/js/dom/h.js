// Making elements. Text goes in as text and never as markup: much of it comes from strangers.

/**
 * `h('p.muted', …)`: a tag with its classes, then in any order children, lists of them, and objects
 * of attributes and `on…` listeners. What is false or empty is left out, so that a condition can
 * stand in its place.
 * @type {MakeElement}
 */
export function h(what, ...contents) {
  const [tag, ...classes] = what.split('.')
  const element = /** @type {any} */ (document.createElement(tag))
  if (classes.length) element.className = classes.join(' ')
  for (const content of contents.flat()) {
    if (content?.constructor === Object) setAttributes(element, content)
    else if (content || content === 0) element.append(content)
  }
  return element
}

function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value != null) element.setAttribute(name, String(value))
  }
}

/** @param {string} className @param {() => void} act @param {any[]} contents */
export const form = (className, act, ...contents) => h(
  `form.${className}`,
  {
    onsubmit(event) {
      event.preventDefault()
      act()
    },
  },
  ...contents,
)

const PATHS = {
  play: 'M5 3l8 5-8 5z',
  stop: 'M4 4h8v8H4z',
  pause: 'M5 3v10M11 3v10',
  gear: 'M2 5h5M11 5h3M9 3v4M2 11h2M8 11h6M6 9v4',
  up: 'M8 13V3M4 7l4-4 4 4',
  down: 'M8 3v10M4 9l4 4 4-4',
  left: 'M13 8H3M7 4L3 8l4 4',
  right: 'M3 8h10M9 4l4 4-4 4',
  close: 'M4 4l8 8M12 4l-8 8',
  retry: 'M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3',
  live: 'M8 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z',
  wait: 'M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3zM8 5v3l2 2',
  warning: 'M8 2l6 11H2zM8 6v4M8 11.5v.5',
  critical: 'M5 2h6l3 3v6l-3 3H5l-3-3V5zM8 5v4M8 10.5v.5',
  lock: 'M4 7h8v6H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2',
  off: 'M3 3l10 10M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z',
  theme: 'M8 3a5 5 0 1 0 0 10zM8 3a5 5 0 0 1 0 10',
  freeze: 'M8 2v12M3 5l10 6M13 5L3 11',
  menu: 'M2 4h12M2 8h12M2 12h12',
}

const SVG = 'http://www.w3.org/2000/svg'

/**
 * Not read out: its meaning stands beside it, or is the label of its button.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '0 0 16 16')
  svg.setAttribute('class', `icon icon-${name}`)
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS(SVG, 'path')
  path.setAttribute('d', PATHS[name] ?? '')
  svg.append(path)
  return svg
}

/** @param {string} label @param {() => void} act @param {'plain' | 'primary'} [kind] */
export const button = (label, act, kind = 'plain') => (
  h(`button.button.${kind}`, { type: 'button', onclick: act }, label)
)

/**
 * @param {string} drawing @param {string} label @param {() => void} act
 * @param {Record<string, unknown>} [attributes]
 */
export function iconButton(drawing, label, act, attributes = {}) {
  const node = h('button.icon-button', { type: 'button', onclick: act, ...attributes })
  setIconButton(node, drawing, label)
  return node
}

/** @param {HTMLButtonElement} node @param {string} drawing @param {string} label */
export function setIconButton(node, drawing, label) {
  if (node.ariaLabel === label) return
  node.replaceChildren(icon(drawing))
  node.setAttribute('aria-label', label)
  node.setAttribute('title', label)
}

/** @param {string} label @param {boolean} checked @param {(checked: boolean) => void} [act] */
export function checkbox(label, checked, act = () => {}) {
  const box = h('input', { type: 'checkbox', checked, onchange: () => act(box.checked) })
  return { box, node: h('label.check', box, label) }
}
