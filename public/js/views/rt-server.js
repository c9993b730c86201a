// One server's card. Out of view it draws only its name and its state, by which it is found.

import { findServer } from '../config/config.js'
import { button, checkbox, form, h, icon, iconButton, setIconButton } from '../dom/h.js'
import { LiveElement, redraw, requestDraw, setAttribute, setText } from '../dom/update.js'
import { RtStrips } from '../elements/rt-strips.js'
import { Facts, figure, sideBySide, words } from '../elements/table.js'
import { alarm, describe, matchesFilter } from '../model/status.js'
import { store } from '../model/store.js'
import { at, plainText } from '../model/values.js'
import { view } from '../model/view.js'
import { SectionList } from '../sections/list.js'
import { digits, NONE } from '../text/format.js'
import { t } from '../text/i18n.js'

const AVERAGES = ['la1', 'la5', 'la15'].map((key) => words('uptime', key))

const FACTS = [
  { label: 'up', read: words('uptime', 'uptime') },
  { label: 'users', read: words('uptime', 'users') },
  { label: 'load', read: sideBySide(AVERAGES, ' ') },
  { label: 'clock', read: words('uptime', 'time') },
  { label: 'processes', read: figure(digits, 'processes', 'all') },
  { label: 'running', read: figure(digits, 'processes', 'running') },
  { label: 'sleeping', read: figure(digits, 'processes', 'sleep') },
  { label: 'stopped', read: figure(digits, 'processes', 'stopped') },
  { label: 'zombies', read: figure(digits, 'processes', 'zombie') },
  { label: 'threads', read: figure(digits, 'procs', 'threads') },
  {
    // A label without a figure.
    label: 'some processes are hidden',
    read: (push) => (at(push, 'procs', 'visible') === false ? '' : NONE),
  },
]

/** Wishes `rt-edit-server` with its server's configuration. */
export class RtServer extends LiveElement {
  #isInView = true
  #heading = h('h2', { tabindex: -1 })
  #stateIcon = h('span.state-icon')
  #stateWord = h('span')
  #alarm = h('span.card-mark')
  #where = h('p.card-where.muted')
  #note = h('span', { role: 'status' })
  #facts = new Facts(FACTS, 'card-facts')
  #power = iconButton('play', t('Start'), () => this.#toggle())
  #retry = button(t('Try now'), () => this.server.start())
  #token = this.#tokenForm()
  #tools
  #strips
  #sections
  #card
  #draw = () => this.#drawAll()

  /** @param {Server} server */
  constructor(server) {
    super()
    this.server = server
    this.#tools = cardTools(server)
    this.#strips = new RtStrips(server)
    this.#strips.addEventListener('resized', () => this.#request())
    this.#sections = new SectionList(server)
    this.#card = h(
      'article.card',
      this.#header(),
      this.#where,
      this.#tools,
      h('p.card-note', this.#note, this.#retry),
      this.#token,
      this.#facts.node,
      this.#strips,
      this.#sections.nodes,
    )
  }

  enter() {
    const { server } = this
    if (!this.#card.isConnected) this.append(this.#card)
    // What only moves figures has to be drawn only in view.
    this.on(server, 'push', () => this.#requestInView())
    this.on(server, 'state alert', () => this.#request())
    this.on(view, 'time', () => this.#requestInView())
    this.on(view, 'change', () => this.#request())
    this.on(view, 'second', () => this.#passSecond())
    const watcher = new IntersectionObserver(([entry]) => {
      this.#isInView = entry.isIntersecting
      this.#request()
    }, { rootMargin: '200px' })
    watcher.observe(this)
    this.onLeave(() => watcher.disconnect())
    this.#request()
  }

  focusHeading() {
    this.#heading.focus({ preventScroll: true })
  }

  #header() {
    const { server } = this
    const edit = () => this.wish('rt-edit-server', { server: server.config })
    return h(
      'header.card-head',
      this.#heading,
      h('p.card-state', this.#stateIcon, this.#stateWord),
      this.#alarm,
      h(
        'div.card-tools',
        this.#power,
        iconButton('retry', t('Reconnect'), () => server.start()),
        iconButton('gear', t('Settings'), edit),
      ),
    )
  }

  #tokenForm() {
    const field = h('input', { type: 'password', autocomplete: 'off', name: 'token' })
    const remember = checkbox(t('Remember in this browser'), false)
    const submit = () => {
      store.setToken(this.server.config, field.value, remember.box.checked)
      field.value = ''
      this.server.start()
    }
    return form(
      'token-form',
      submit,
      h('label.grow', t('Token'), field),
      remember.node,
      h('button.button.primary', t('Connect')),
    )
  }

  #toggle() {
    if (this.server.phase === 'stopped') this.server.start()
    else this.server.stop()
  }

  #passSecond() {
    const { server } = this
    server.connection.checkSilence()
    const wasStale = this.dataset.state === 'stale'
    if (server.phase !== 'live' || server.staleFor() || wasStale) this.#request()
  }

  #requestInView() {
    this.#updateHidden()
    if (this.#isInView) requestDraw(this.#draw)
  }

  #request() {
    this.#updateHidden()
    requestDraw(this.#draw)
  }

  #updateHidden() {
    this.hidden = !view.editing && !matchesFilter(this.server)
  }

  #drawAll() {
    if (!this.isConnected) return
    this.#drawHead()
    if (!this.#isInView) return
    if (view.frozen === null) this.#facts.read(this.server.push)
    this.#strips.draw()
    if (!view.preferences.compact && this.server.history.length) this.#sections.update()
  }

  #drawHead() {
    const { connection, alerts: { level }, config: { name } } = this.server
    const state = describe(this.server)
    setAttribute(this, 'data-state', state.id)
    setAttribute(this, 'data-level', level)
    setAttribute(this.#card, 'aria-label', name)
    setText(this.#heading, name)
    setText(this.#where, this.#place())
    setText(this.#stateWord, state.word)
    redraw(this.#stateIcon, state.icon, () => [icon(state.icon)])
    setText(this.#note, state.note)
    const isStopped = connection.phase === 'stopped'
    setIconButton(this.#power, isStopped ? 'play' : 'stop', t(isStopped ? 'Start' : 'Stop'))
    this.#retry.hidden = !connection.retryAt
    this.#token.hidden = connection.phase !== 'token'
    this.#tools.hidden = !view.editing
    nameTools(this.#tools, name)
    const said = alarm(this.server)
    redraw(this.#alarm, said, () => (said ? [icon(level), said] : []))
  }

  #place() {
    const { url, connection: { info } } = this.server
    const machine = ['host', 'os', 'virt'].map((key) => plainText(at(info, key), 60))
    return [url, ...machine].filter((part) => part && part !== 'none').join(' · ')
  }
}

// Each tool of edit mode is a button: the layout can be changed without a pointer.
function cardTools(server) {
  const tool = (drawing, label, act) => iconButton(drawing, t(label), () => store.edit((config) => {
    act(findServer(config, server.config.id), config)
  }))
  const mover = (arrow, by) => tool(arrow, `Move ${arrow}`, (found, { columns }) => {
    const { servers, column, place } = found
    const target = columns[column + by.columns]
    target?.servers.splice(Math.max(0, place + by.places), 0, ...servers.splice(place, 1))
  })
  return h(
    'div.edit-tools',
    { role: 'group' },
    mover('left', { columns: -1, places: 0 }),
    mover('up', { columns: 0, places: -1 }),
    mover('down', { columns: 0, places: 1 }),
    mover('right', { columns: 1, places: 0 }),
    tool('close', 'Remove', ({ servers, place }) => servers.splice(place, 1)),
  )
}

// Read out of its place, "Remove" could be anybody's.
function nameTools(tools, name) {
  setAttribute(tools, 'aria-label', name)
  for (const tool of tools.children) {
    setAttribute(tool, 'aria-label', `${tool.title}: ${name}`)
  }
}

customElements.define('rt-server', RtServer)
