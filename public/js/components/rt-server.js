// One server's card: state, facts, strips, sections. Draws only while it is in view, once per frame.

import { h, icon, iconButton, setAttr, setIconButton, setText } from '../dom.js'
import { NONE, span } from '../format.js'
import { everySecond, request, cancel } from '../frame.js'
import { t } from '../i18n.js'
import { SECTIONS } from '../sections/index.js'
import { describe } from '../state.js'
import { store } from '../store.js'
import { amount, at, num, own, text } from '../values.js'
import { view } from '../view.js'
import { RtStrips } from './rt-strips.js'
import { editTools } from './edit-tools.js'

/** @typedef {import('../server.js').Server} Server */
/** @typedef {{node: HTMLElement, update: () => void, draw?: () => void}} Body */
/** @typedef {{id: string, details: HTMLDetailsElement, body: Body|null}} Open */

/** With more servers than this the sections start closed. */
const FEW = 6

let nextId = 0

export class RtServer extends HTMLElement {
  constructor() {
    super()
    /** @type {Server} */
    this.server
    this.seen = true
    this.built = false
    /** @type {Map<string, Open>} */
    this.sections = new Map()
    this.drawn = { push: -1 }
    this.paint = () => this.draw()
    this.ask = () => this.seen && request(this.paint)
    /** @type {(() => void)[]} */
    this.undo = []
  }

  connectedCallback() {
    if (!this.built) this.build()
    const { server } = this
    const listen = (/** @type {EventTarget} */ target, /** @type {string} */ name, /** @type {() => void} */ act) => {
      target.addEventListener(name, act)
      this.undo.push(() => target.removeEventListener(name, act))
    }
    for (const name of ['push', 'state', 'alert', 'info']) listen(server, name, this.ask)
    for (const name of ['time', 'change']) listen(view, name, this.ask)
    this.undo.push(everySecond(() => (server.phase !== 'live' || server.staleFor(Date.now()) > 0 || this.dataset.state === 'stale') && this.ask()))
    this.watcher = new IntersectionObserver(([entry]) => {
      this.seen = entry?.isIntersecting ?? true
      this.ask()
    }, { rootMargin: '200px' })
    this.watcher.observe(this)
    this.ask()
  }

  disconnectedCallback() {
    this.watcher?.disconnect()
    for (const undo of this.undo.splice(0)) undo()
    cancel(this.paint)
  }

  build() {
    this.built = true
    const { server } = this
    const id = `server-${nextId++}`
    this.stateIcon = h('span', { class: 'state-icon' })
    this.stateText = h('span', { class: 'state-text' })
    this.mark = h('span', { class: 'card-mark', hidden: true })
    this.heading = h('h3', { id, tabindex: -1 })
    this.where = h('span', { class: 'card-where' })
    this.power = iconButton('play', t('start'), () => (server.phase === 'stopped' ? server.start() : server.stop()))
    this.gear = iconButton('gear', t('options'), () => this.toggleOptions(), { 'aria-expanded': 'false' })
    this.note = h('p', { class: 'card-note', role: 'status' })
    this.retry = h('button', { type: 'button', class: 'button', hidden: true, onclick: () => server.start() }, t('retryNow'))
    this.token = this.tokenForm()
    this.options = this.optionsForm()
    this.facts = h('p', { class: 'card-facts' })
    /** @type {Map<string, HTMLElement>} */
    this.factNodes = new Map()
    this.strips = new RtStrips()
    this.strips.server = server
    this.strips.addEventListener('resized', () => {
      this.ask()
      for (const { body, details } of this.sections.values()) if (details.open) body?.draw?.()
    })
    this.sectionBox = h('div', { class: 'sections' })
    this.edit = editTools(server)
    this.append(h('article', { class: 'card', 'aria-labelledby': id },
      h('header', { class: 'card-head' },
        h('div', { class: 'card-name' }, this.heading, this.mark),
        h('p', { class: 'card-state' }, this.stateIcon, this.stateText),
        h('div', { class: 'card-tools' }, this.power, this.gear),
        this.where),
      this.edit, this.options, this.token,
      h('div', { class: 'card-notes' }, this.note, this.retry),
      this.facts, this.strips, this.sectionBox))
  }

  /** Where the token is wrong, the field stands in its place. */
  tokenForm() {
    const field = h('input', { type: 'password', autocomplete: 'off', name: 'token', 'aria-label': t('token') })
    const remember = h('input', { type: 'checkbox', name: 'remember' })
    return h('form', { class: 'token-form', hidden: true, onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault()
      store.setToken(this.server.config, field.value, remember.checked)
      field.value = ''
      this.server.start()
    } }, h('label', {}, t('token'), field), h('label', { class: 'check' }, remember, t('rememberToken')), h('button', { class: 'button primary' }, t('connect')))
  }

  optionsForm() {
    const { server } = this
    const interval = h('input', { type: 'text', inputmode: 'decimal', name: 'interval', autocomplete: 'off' })
    const token = h('input', { type: 'password', autocomplete: 'off', name: 'token', placeholder: t('tokenUnchanged') })
    const remember = h('input', { type: 'checkbox', name: 'remember' })
    const fault = h('p', { class: 'fault', role: 'alert' })
    const url = h('code', { class: 'url' })
    const form = h('form', { class: 'options', hidden: true, onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault()
      const seconds = Number(interval.value.replace(',', '.'))
      if (!(seconds >= 0.5 && seconds <= 86400)) {
        fault.textContent = t('config.needInterval', { got: interval.value })
        interval.focus()
        return
      }
      fault.textContent = ''
      server.setInterval(seconds)
      for (const column of store.config.columns) for (const one of column.servers) if (one.id === server.config.id) one.interval = seconds
      store.keep()
      if (token.value) {
        store.setToken(server.config, token.value, remember.checked)
        token.value = ''
        server.start()
      }
    } },
    h('label', {}, t('interval'), h('span', { class: 'with-unit' }, interval, t('unit.s'))),
    h('label', {}, t('token'), token),
    h('label', { class: 'check' }, remember, t('rememberToken')),
    h('div', { class: 'row' }, h('button', { class: 'button primary' }, t('apply')), h('button', { type: 'button', class: 'button', onclick: () => server.start() }, t('reconnect'))),
    h('p', { class: 'muted' }, t('address'), ' ', url), fault)
    this.openOptions = () => {
      interval.value = String(server.config.interval)
      url.textContent = server.url
      interval.focus()
    }
    return form
  }

  toggleOptions() {
    const form = /** @type {HTMLElement} */ (this.options)
    form.hidden = !form.hidden
    this.gear?.setAttribute('aria-expanded', String(!form.hidden))
    if (!form.hidden) this.openOptions?.()
  }

  draw() {
    if (!this.isConnected || !this.seen) return
    this.drawHead()
    this.drawFacts()
    this.strips?.draw()
    if (!view.taste.compact) this.drawSections()
  }

  drawHead() {
    const { server } = this
    const state = describe(server, Date.now())
    setAttr(this, 'data-state', state.id)
    setText(/** @type {Node} */ (this.heading), server.config.name)
    setText(/** @type {Node} */ (this.where), place(server))
    setText(/** @type {Node} */ (this.stateText), state.word)
    const drawing = /** @type {HTMLElement} */ (this.stateIcon)
    if (drawing.dataset.icon !== state.icon) {
      drawing.dataset.icon = state.icon
      drawing.replaceChildren(icon(state.icon))
    }
    setText(/** @type {Node} */ (this.note), state.note)
    const running = server.phase !== 'stopped'
    setIconButton(/** @type {HTMLButtonElement} */ (this.power), running ? 'stop' : 'play', t(running ? 'stop' : 'start'))
    const retry = /** @type {HTMLElement} */ (this.retry)
    retry.hidden = server.client.retryAt === 0
    const token = /** @type {HTMLElement} */ (this.token)
    token.hidden = server.phase !== 'token'
    const { level } = server.alerts
    setAttr(this, 'data-level', level === 'ok' ? null : level)
    const mark = /** @type {HTMLElement} */ (this.mark)
    const said = level === 'ok' ? '' : `${t(`level.${level}`)}: ${[...server.alerts.active.keys()].map((key) => t(`figure.${key}`)).join(', ')}`
    mark.hidden = level === 'ok'
    if (mark.dataset.said !== said) {
      mark.dataset.said = said
      mark.replaceChildren(...(said ? [icon(level), said] : []))
    }
    this.edit?.toggleAttribute('hidden', !view.editing)
    this.hidden = view.filter !== '' && !view.editing && !matches(server, view.filter)
  }

  drawFacts() {
    if (view.frozen !== null && this.drawn.push >= 0) return
    const { push, client } = this.server
    this.drawn.push = client.lastPush
    const uptime = own(push, 'uptime')
    const counts = own(push, 'processes')
    const has = uptime !== undefined
    const loads = has ? ['la1', 'la5', 'la15'].map((key) => text(own(uptime, key), 8) || NONE).join(' ') : NONE
    this.fact('up', has ? text(own(uptime, 'uptime'), 30) || NONE : NONE)
    this.fact('users', has ? text(own(uptime, 'users'), 6) || NONE : NONE)
    this.fact('load', loads)
    this.fact('time', has ? text(own(uptime, 'time'), 10) || NONE : NONE)
    for (const [key, label] of /** @type {const} */ ([['all', 'procs'], ['running', 'running'], ['sleep', 'sleeping'], ['stopped', 'stopped'], ['zombie', 'zombies']])) {
      const value = amount(own(counts, key))
      this.fact(label, value === value ? String(value) : NONE)
    }
    const threads = num(at(push, 'procs', 'threads'))
    if (threads === threads) this.fact('threads', String(threads))
    if (at(push, 'procs', 'visible') === false) this.fact('hidden', t('hiddenProcesses'))
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  fact(key, value) {
    let node = this.factNodes?.get(key)
    if (!node) {
      node = h('b')
      this.factNodes?.set(key, node)
      this.facts?.append(h('span', { class: `fact fact-${key}`, title: t(`about.${key}`) }, `${t(`fact.${key}`)} `, node), ' ')
    }
    setText(node, value)
  }

  drawSections() {
    const { server } = this
    if (server.phase === 'stopped' && !server.history.length) return
    for (const section of SECTIONS) {
      let open = this.sections.get(section.id)
      if (!open) {
        if (!section.offered(server)) continue
        open = this.section(section)
      }
      if (!open.details.open) continue
      open.body ??= this.fill(section, open)
      // While frozen only what has a history moves.
      if (view.frozen === null || section.scrubs) open.body.update()
    }
  }

  /** @param {typeof SECTIONS[number]} section */
  section(section) {
    const key = `${this.server.config.id}/${section.id}`
    const few = document.querySelectorAll('rt-server').length <= FEW
    const details = h('details', { class: `section section-${section.id}`, open: view.isOpen(key, section.opens && few) },
      h('summary', {}, t(`section.${section.id}`)))
    /** @type {Open} */
    const open = { id: section.id, details, body: null }
    details.addEventListener('toggle', () => {
      view.setOpen(key, details.open)
      section.toggled?.(this.server, details.open)
      this.ask()
    })
    this.sections.set(section.id, open)
    // Sections come as servers offer them, and stand in their fixed order.
    const order = SECTIONS.map(({ id }) => this.sections.get(id)?.details).filter((node) => node !== undefined)
    const next = order[order.indexOf(details) + 1]
    this.sectionBox?.insertBefore(details, next ?? null)
    if (details.open) section.toggled?.(this.server, true)
    return open
  }

  /**
   * @param {typeof SECTIONS[number]} section
   * @param {Open} open
   * @returns {Body}
   */
  fill(section, open) {
    const body = section.build(this.server)
    open.details.append(body.node)
    return body
  }

  /** The theme changed: what was painted in old colours is painted again. */
  recolour() {
    this.strips?.heat.reset()
    this.ask()
  }
}

/** @param {Server} server */
function place(server) {
  const info = server.client.info
  const said = info ? [text(info.host, 60), text(info.os, 60), text(info.virt, 20)].filter((part) => part && part !== 'none').join(' · ') : ''
  return said ? `${server.url} · ${said}` : `${server.url}${server.client.version ? ` · ${text(server.client.version, 40)}` : ''}`
}

/**
 * @param {Server} server
 * @param {string} filter lower case words, all of which must be found
 */
export function matches(server, filter) {
  const { id, name, host } = server.config
  const state = describe(server, Date.now())
  const haystack = `${id} ${name} ${host} ${server.url} ${text(server.client.info?.host)} ${state.word} ${server.alerts.level}`.toLowerCase()
  return filter.split(/\s+/).every((word) => haystack.includes(word))
}

export { span }
customElements.define('rt-server', RtServer)
