// Changing elements that stand, only where something is another: else the browser would lay out the
// page for each figure.

/** @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/**
 * @param {Element} element @param {string} name @param {string | false | null | undefined} value
 */
export function setAttribute(element, name, value) {
  if (!value) element.removeAttribute(name)
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

const WARM = 0.6
const HOT = 0.85

/** @param {HTMLElement} node @param {number} value */
export function setTone(node, value) {
  const tone = value >= HOT ? 3 : value >= WARM ? 2 : 1
  const share = (value || 0).toFixed(2)
  node.style.cssText = `--share: ${share}; --tone: var(--heat-${tone})`
}

/**
 * Makes the children anew when their key has changed.
 * @param {HTMLElement} node @param {string} key @param {() => (Node | string)[]} make
 */
export function redraw(node, key, make) {
  if (node.dataset.key === key) return
  node.dataset.key = key
  node.replaceChildren(...make())
}

/**
 * @param {Element} parent @param {number} wanted @param {(place: number) => Element} make
 * @returns {any[]}
 */
export function fill(parent, wanted, make) {
  while (parent.childElementCount > wanted) parent.lastElementChild?.remove()
  while (parent.childElementCount < wanted) parent.append(make(parent.childElementCount))
  return [...parent.children]
}

// Milliseconds of a frame for drawing; what is left over is drawn in the next one.
const BUDGET = 8

const waiting = new Set()
let requested = 0

/** Once with the next frame, which hidden tabs have none of. @param {() => void} draw */
export function requestDraw(draw) {
  waiting.add(draw)
  requested ||= requestAnimationFrame(drawWaiting)
}

function drawWaiting() {
  const end = performance.now() + BUDGET
  for (const draw of waiting) {
    waiting.delete(draw)
    try {
      draw()
    } catch (error) {
      // A card that fails must not take the others with it.
      reportError(error)
    }
    if (performance.now() > end) break
  }
  requested = waiting.size ? requestAnimationFrame(drawWaiting) : 0
}

export class LiveElement extends HTMLElement {
  #life = new AbortController()

  connectedCallback() {
    this.#life = new AbortController()
    this.enter()
  }

  disconnectedCallback() {
    this.#life.abort()
  }

  /** Is called again when the element is moved within the page. */
  enter() {}

  /** @param {EventTarget} target @param {string} names @param {(event: any) => void} act */
  on(target, names, act) {
    for (const name of names.split(' ')) {
      target.addEventListener(name, act, { signal: this.#life.signal })
    }
  }

  /** @param {() => void} act */
  onLeave(act) {
    this.#life.signal.addEventListener('abort', act)
  }

  /**
   * Asks for what is another's to do; main.js knows whose.
   * @param {string} name @param {unknown} [detail]
   */
  wish(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }))
  }
}
