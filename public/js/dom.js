// Making elements: text only ever as text.

/** `h('p.muted', …)`: a tag with classes; then children, lists, objects of attributes and `on…` listeners. @type {MakeElement} */
export function h(what, ...contents) {
	const [tag, ...classes] = what.split('.')
	const element = /** @type {any} */ (document.createElement(tag))
	if (classes.length) element.className = classes.join(' ')
	for (const one of contents.flat()) {
		if (one?.constructor === Object) {
			for (const [name, value] of Object.entries(one)) {
				if (typeof value === 'function') element.addEventListener(name.slice(2), value)
				else if (value !== false && value != null) element.setAttribute(name, value === true ? '' : value)
			}
		} else if (one || one === 0) element.append(one)
	}
	return element
}

export const form = (kind, act, ...contents) => h(`form.${kind}`, {onsubmit(event) {
	event.preventDefault()
	act()
}}, ...contents)

export class LiveElement extends HTMLElement {
	life = new AbortController()

	connectedCallback() {
		this.life = new AbortController()
		this.enter()
	}

	disconnectedCallback() {
		this.life.abort()
	}

	enter() {}

	on(target, names, act) {
		for (const name of names.split(' ')) target.addEventListener(name, act, this.life)
	}
}

export function setText(node, text) {
	if (node.textContent !== text) node.textContent = text
}

export function setAttr(element, name, value) {
	if (!value) element.removeAttribute(name)
	else if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

/** How high a bar stands, and in which tone. */
export function setTone(node, value) {
	node.style.cssText = `--share: ${(value || 0).toFixed(2)}; --tone: var(--heat-${value >= 0.85 ? 3 : value >= 0.6 ? 2 : 1})`
}

/** Anew when what it stands for has changed. @param {() => any[]} make */
export function redraw(node, key, make) {
	if (node.dataset.key === key) return
	node.dataset.key = key
	node.replaceChildren(...make())
}

export function fill(node, wanted, make) {
	while (node.childElementCount > wanted) node.lastElementChild?.remove()
	while (node.childElementCount < wanted) node.append(make(node.childElementCount))
	return [...node.children]
}

const ICONS = {
	play: 'M5 3l8 5-8 5z', stop: 'M4 4h8v8H4z', pause: 'M5 3v10M11 3v10', gear: 'M2 5h5M11 5h3M9 3v4M2 11h2M8 11h6M6 9v4',
	up: 'M8 13V3M4 7l4-4 4 4', down: 'M8 3v10M4 9l4 4 4-4', left: 'M13 8H3M7 4L3 8l4 4',
	right: 'M3 8h10M9 4l4 4-4 4', close: 'M4 4l8 8M12 4l-8 8', retry: 'M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3',
	live: 'M8 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z', wait: 'M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3zM8 5v3l2 2',
	warning: 'M8 2l6 11H2zM8 6v4M8 11.5v.5', critical: 'M5 2h6l3 3v6l-3 3H5l-3-3V5zM8 5v4M8 10.5v.5',
	lock: 'M4 7h8v6H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2', off: 'M3 3l10 10M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z',
	theme: 'M8 3a5 5 0 1 0 0 10zM8 3a5 5 0 0 1 0 10', freeze: 'M8 2v12M3 5l10 6M13 5L3 11', menu: 'M2 4h12M2 8h12M2 12h12',
}

export function icon(name) {
	const [svg, path] = ['svg', 'path'].map(tag => document.createElementNS('http://www.w3.org/2000/svg', tag))
	for (const [key, value] of Object.entries({viewBox: '0 0 16 16', class: `icon icon-${name}`, 'aria-hidden': 'true'})) svg.setAttribute(key, value)
	path.setAttribute('d', ICONS[name] ?? '')
	svg.append(path)
	return svg
}

export const button = (label, act, kind = 'plain') => h(`button.button.${kind}`, {type: 'button', onclick: act}, label)

export function iconButton(drawing, label, act, attributes = {}) {
	const node = h('button.icon-button', {type: 'button', onclick: act, ...attributes})
	setIconButton(node, drawing, label)
	return node
}

export function setIconButton(button, drawing, label) {
	if (button.ariaLabel === label) return
	button.replaceChildren(icon(drawing))
	for (const name of ['aria-label', 'title']) button.setAttribute(name, label)
}

export const check = (label, checked, act = (/** @type {boolean} */ _) => {}) => {
	const box = h('input', {type: 'checkbox', checked, onchange: () => act(box.checked)})
	return {box, node: h('label.check', box, label)}
}
