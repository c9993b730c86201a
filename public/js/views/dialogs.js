// The dialogs: one server's settings, and the configuration as a whole.

import {
  checkServer, ConfigError, findServer, parseConfig, serialise, serversOf, socketUrl,
} from '../config/config.js'
import { button, checkbox, form, h, iconButton } from '../dom/h.js'
import { store } from '../model/store.js'
import { t } from '../text/i18n.js'

function openDialog(title, content, confirmation) {
  const close = () => dialog.close()
  const footer = confirmation && h(
    'footer.row',
    h('button.button.primary', confirmation.label),
    button(t('Cancel'), close),
  )
  const dialog = h(
    'dialog',
    { 'aria-label': title, onclose: () => dialog.remove() },
    form(
      '',
      () => confirmation?.act(close),
      h('header', h('h2', title), iconButton('close', t('Close'), close)),
      h('div.dialog-body', content),
      footer,
    ),
  )
  document.body.append(dialog)
  dialog.showModal()
}

function tryIn(place, act) {
  place.textContent = ''
  try {
    act()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    place.textContent = faultText(error)
  }
}

/** @param {unknown} fault */
export function faultText(fault) {
  if (!(fault instanceof ConfigError)) return String(fault)
  const { where, key, what, values } = fault
  const said = t(key, { ...values, what: t(what, values) })
  return where ? `${where}: ${said}` : said
}

const THRESHOLDS = { cpu: 'CPU', memory: 'Memory', swap: 'Swap', hold: 'Hold, s' }

// Digits on phones; but a field of text, since some people write 0,5.
const DECIMAL = { inputmode: 'decimal' }

class Fields {
  #inputs = new Map()

  add(key, label, value, attributes = {}) {
    const plain = { name: key, value, autocomplete: 'off', spellcheck: 'false' }
    const input = h('input', plain, attributes)
    this.#inputs.set(key, input)
    return h('label', t(label), input)
  }

  values() {
    return Object.fromEntries([...this.#inputs].map(([key, { value }]) => [key, value.trim()]))
  }
}

/** @param {{ server: ServerConfig | null, column?: number }} subject */
export function openServerDialog({ server, column = 0 }) {
  const now = server ?? newServer()
  const fields = new Fields()
  const start = checkbox(t('Connect when the page opens'), now.autoStart)
  const remember = checkbox(t('Remember in this browser'), now.token !== '')
  const url = h('output.url')
  const fault = h('p.fault', { role: 'alert' })
  const showUrl = () => {
    const got = fields.values().host
    url.textContent = socketUrl(got, location.href) || t('need', { got, what: t('address') })
  }
  const host = { placeholder: t('hostEmpty'), oninput: showUrl }
  const content = [
    h('div.fields', fields.add('name', 'Name', now.name), fields.add('id', 'Id', now.id)),
    fields.add('host', 'Host', now.host, host),
    h('p.muted', url),
    h(
      'div.fields',
      fields.add('interval', 'Interval, s', now.interval, DECIMAL),
      fields.add('token', 'Token', store.tokenOf(now), { type: 'password' }),
    ),
    h('div.row', start.node, remember.node),
    h(
      'fieldset',
      h('legend', t('Warn from, %')),
      h('div.fields', Object.entries(THRESHOLDS).map(([key, label]) => (
        fields.add(key, label, now.thresholds[key], DECIMAL)
      ))),
    ),
    fault,
  ]
  showUrl()
  const act = (close) => tryIn(fault, () => save({
    id: server?.id,
    column,
    given: fields.values(),
    autoStart: start.box.checked,
    remember: remember.box.checked,
    close,
  }))
  openDialog(t(server ? 'Settings' : 'Add server'), content, { label: t('Save'), act })
}

function newServer() {
  let n = store.servers.size + 1
  while (store.servers.has(`server-${n}`)) n++
  return { ...checkServer({ id: `server-${n}` }, ''), name: '' }
}

function save({ id, column, given, autoStart, remember, close }) {
  const token = remember ? given.token : ''
  const server = checkServer({ ...given, autoStart, token, thresholds: given }, '')
  const put = (config) => {
    if (!config.columns.length) config.columns.push({ name: '', servers: [] })
    const { servers, place } = findServer(config, id)
    if (place >= 0) servers[place] = server
    else config.columns[column].servers.push(server)
  }
  store.edit(put, () => {
    store.setToken(server, given.token, remember)
    // Before the card is built anew, so that the focus goes back to its button.
    close()
  })
}

export function openConfigDialog() {
  const fault = h('p.fault', { role: 'alert' })
  const done = h('p.good', { role: 'status' })
  const withTokens = checkbox(t('with tokens'), false)
  const picker = filePicker((source) => tryIn(fault, () => {
    done.textContent = ''
    done.textContent = t('Loaded; servers: {n}.', { n: load(source) })
  }))
  openDialog(t('Configuration'), [
    picker,
    h(
      'div.row',
      button(t('Load from file…'), () => picker.click()),
      button(t('Use the default'), useDefault),
    ),
    h(
      'div.row',
      button(t('Save to file'), () => saveFile(withTokens.box.checked)),
      withTokens.node,
    ),
    fault,
    done,
  ])
}

// A file without any token was saved without them: its servers keep theirs.
function load(source) {
  const config = parseConfig(source)
  const loaded = serversOf(config)
  if (!loaded.some(({ token }) => token)) {
    const known = serversOf(store.config)
    for (const server of loaded) {
      const same = known.find(({ id, host }) => id === server.id && host === server.host)
      server.token = same?.token ?? ''
    }
  }
  store.replace(config)
  return loaded.length
}

function filePicker(act) {
  const input = h('input', {
    type: 'file',
    accept: '.json',
    hidden: true,
    onchange: async () => {
      const file = input.files?.[0]
      if (file) act(await file.text())
      // The same file may be chosen again, once it is corrected.
      input.value = ''
    },
  })
  return input
}

function useDefault() {
  store.forget()
  location.reload()
}

function saveFile(withTokens) {
  const content = encodeURIComponent(serialise(store.config, withTokens))
  h('a', { download: 'rtstat-monitoring.json', href: `data:application/json,${content}` }).click()
}
