// A modal form: title, fields, two buttons. The browser's own dialog keeps the focus inside and gives it back.

import { h, iconButton } from '../dom.js'
import { t } from '../i18n.js'

let last = 0

/**
 * @param {string} title
 * @param {Node[]} content
 * @param {string|null} confirm the label of the button that does it; null where there is nothing to confirm
 * @param {(close: () => void) => void} [act]
 */
export function modal(title, content, confirm, act) {
  const id = `dialog-${++last}`
  const close = () => dialog.close()
  const form = h('form', { method: 'dialog', onsubmit: (/** @type {Event} */ event) => {
    event.preventDefault()
    act?.(close)
  } },
  h('header', { class: 'dialog-head' }, h('h2', { id }, title), iconButton('close', t('close'), close)),
  h('div', { class: 'dialog-body' }, ...content),
  confirm === null ? null : h('footer', { class: 'row' }, h('button', { type: 'submit', class: 'button primary' }, confirm), h('button', { type: 'button', class: 'button', onclick: close }, t('cancel'))))
  const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': id, onclose: () => dialog.remove() }, form)
  document.body.append(dialog)
  dialog.showModal()
  return close
}

/** @param {import('../config.js').ConfigError} error */
export function faultText(error) {
  const said = t(`config.${error.key}`, error.values)
  return error.where.replace(/^\./, '') ? `${error.where.replace(/^\./, '')}: ${said}` : said
}
