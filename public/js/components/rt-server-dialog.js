// The form of one server, new or known: every key of its configuration, and the URL that comes of it.

import { checkServer, ConfigError, DEFAULT_THRESHOLDS, urlOf, validHost } from '../config.js'
import { h } from '../dom.js'
import { t } from '../i18n.js'
import { store } from '../store.js'
import { faultText, modal } from './dialog.js'

/** @typedef {import('../types.js').ServerConfig} ServerConfig */

/** An id that nobody has yet. */
function freshId() {
  const taken = new Set(store.config.columns.flatMap((column) => column.servers.map((server) => server.id)))
  let n = taken.size + 1
  while (taken.has(`server-${n}`)) n++
  return `server-${n}`
}

/**
 * @param {ServerConfig|null} server null makes a new one
 * @param {number} [column] where a new one goes
 */
export function openServerDialog(server, column = 0) {
  const now = server ?? { id: freshId(), name: '', host: '', interval: 1, autoStart: true, token: '', thresholds: DEFAULT_THRESHOLDS }
  /**
   * @param {string} label
   * @param {string} value
   * @param {Record<string, unknown>} [attributes]
   */
  const field = (label, value, attributes = {}) => {
    const input = h('input', { type: 'text', value, autocomplete: 'off', spellcheck: 'false', ...attributes })
    return { input, node: h('label', {}, label, input) }
  }
  const id = field(t('server.id'), now.id, { required: true, maxlength: 64 })
  const name = field(t('server.name'), now.name, { maxlength: 200 })
  const host = field(t('server.host'), now.host, { placeholder: t('server.hostEmpty') })
  const interval = field(t('server.interval'), String(now.interval), { inputmode: 'decimal' })
  const token = field(t('server.token'), store.tokenOf(now), { type: 'password' })
  const levels = /** @type {const} */ (['cpu', 'memory', 'swap', 'hold']).map((key) => ({ key, ...field(t(`server.${key}`), String(now.thresholds[key]), { inputmode: 'decimal' }) }))
  const start = h('input', { type: 'checkbox', checked: now.autoStart })
  const remember = h('input', { type: 'checkbox', checked: now.token !== '' })
  const url = h('output', { class: 'url' })
  const fault = h('p', { class: 'fault', role: 'alert' })
  const showUrl = () => {
    const written = host.input.value.trim()
    url.textContent = written === '' || validHost(written) ? urlOf(written, location.href) : t('config.needHost', { got: written })
  }
  host.input.addEventListener('input', showUrl)
  showUrl()

  modal(t(server ? 'server.change' : 'server.add'), [
    h('div', { class: 'fields' }, name.node, id.node),
    host.node, h('p', { class: 'muted' }, t('address'), ' ', url),
    h('div', { class: 'fields' }, interval.node, token.node),
    h('div', { class: 'row' }, h('label', { class: 'check' }, start, t('server.autoStart')), h('label', { class: 'check' }, remember, t('rememberToken'))),
    h('fieldset', {}, h('legend', {}, t('server.thresholds')), h('div', { class: 'fields fields-4' }, ...levels.map((level) => level.node))),
    fault,
  ], t('save'), (close) => {
    const given = {
      id: id.input.value.trim(), name: name.input.value, host: host.input.value, interval: interval.input.value, autoStart: start.checked,
      token: remember.checked ? token.input.value : '', thresholds: Object.fromEntries(levels.map(({ key, input }) => [key, input.value])),
    }
    try {
      const checked = checkServer(given, '')
      store.edit((config) => {
        const places = config.columns.length ? config.columns : (config.columns = [{ name: '', servers: [] }])
        const home = places.find((one) => server && one.servers.some(({ id: known }) => known === server.id)) ?? places[column] ?? places[0]
        const at = home?.servers.findIndex((one) => one.id === server?.id) ?? -1
        if (at >= 0) home?.servers.splice(at, 1, checked)
        else home?.servers.push(checked)
        if (remember.checked && token.input.value) store.rememberTokens = true
      }, () => !remember.checked && store.holdToken(checked, token.input.value))
      close()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      fault.textContent = faultText(error)
    }
  })
}
