// The configuration as a whole: load it from a file, save it to one, go back to the default. A faulty one says where and
// changes nothing.

import { ConfigError, parseConfig, serialise } from '../config.js'
import { h } from '../dom.js'
import { t } from '../i18n.js'
import { store } from '../store.js'
import { faultText, modal } from './dialog.js'

/** A configuration of a thousand servers is far below this. */
const MAX_FILE = 1_000_000

export function openConfigDialog() {
  const fault = h('p', { class: 'fault', role: 'alert' })
  const done = h('p', { class: 'good', role: 'status' })
  const withTokens = h('input', { type: 'checkbox' })
  const remember = h('input', { type: 'checkbox', checked: store.rememberTokens, onchange: () => {
    store.rememberTokens = remember.checked
    store.keep()
  } })
  const area = h('textarea', { rows: 10, spellcheck: 'false', 'aria-label': t('config.text') })
  area.value = serialise(store.config, false)

  /** @param {string} source */
  const take = (source) => {
    fault.textContent = done.textContent = ''
    try {
      const config = parseConfig(source)
      if (config.columns.some((column) => column.servers.some((server) => server.token))) remember.checked = store.rememberTokens = true
      else keepTokens(config)
      store.replace(config)
      area.value = serialise(config, false)
      done.textContent = t('config.loaded', { n: String(config.columns.reduce((sum, column) => sum + column.servers.length, 0)) })
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      fault.textContent = `${faultText(error)} ${t('config.unchanged')}`
    }
  }
  const file = h('input', { type: 'file', accept: '.json,application/json,text/plain', class: 'hidden-text', 'aria-label': t('config.load'), onchange: async () => {
    const [chosen] = file.files ?? []
    file.value = ''
    if (!chosen) return
    if (chosen.size > MAX_FILE) fault.textContent = t('config.tooLarge')
    else take(await chosen.text())
  } })
  const button = (/** @type {string} */ label, /** @type {() => void} */ act) => h('button', { type: 'button', class: 'button', onclick: act }, label)

  modal(t('config.title'), [
    h('p', { class: 'muted' }, t('config.about')),
    h('div', { class: 'row' }, file, button(t('config.load'), () => file.click()), button(t('config.save'), () => save(serialise(store.config, withTokens.checked))),
      h('label', { class: 'check' }, withTokens, t('config.withTokens'))),
    h('label', { class: 'check' }, remember, t('config.remember')),
    area,
    h('div', { class: 'row' }, button(t('config.apply'), () => take(area.value)), button(t('config.default'), () => {
      store.forget()
      location.reload()
    })),
    fault, done,
  ], null)
}

/**
 * A text without tokens does not take away those that are in use, as long as the address stays the same.
 * @param {import('../types.js').Config} config
 */
function keepTokens(config) {
  const known = new Map(store.config.columns.flatMap((column) => column.servers.map((server) => [server.id, server])))
  for (const server of config.columns.flatMap((column) => column.servers)) {
    const before = known.get(server.id)
    if (before && before.host === server.host) server.token = before.token
  }
}

/** @param {string} content */
function save(content) {
  const url = URL.createObjectURL(new Blob([content], { type: 'application/json' }))
  const link = h('a', { href: url, download: 'rtstat-monitoring.json' })
  document.body.append(link)
  link.click()
  link.remove()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
