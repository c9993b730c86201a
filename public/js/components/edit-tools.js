// What edit mode adds to a card and to a column: move, change, remove.

import { h, iconButton } from '../dom.js'
import { t } from '../i18n.js'
import { store } from '../store.js'
import { openServerDialog } from './rt-server-dialog.js'

/** @typedef {import('../types.js').Config} Config */

/**
 * @param {Config} config
 * @param {string} id
 * @returns {[number, number]} column and place; -1 where there is none
 */
function find(config, id) {
  for (const [c, column] of config.columns.entries()) {
    const s = column.servers.findIndex((server) => server.id === id)
    if (s >= 0) return [c, s]
  }
  return [-1, -1]
}

/**
 * @param {string} id
 * @param {number} across columns to the right
 * @param {number} down places down
 */
function move(id, across, down) {
  store.edit((config) => {
    const [c, s] = find(config, id)
    const from = config.columns[c]?.servers
    const to = config.columns[c + across]?.servers
    if (!from || !to) return
    const [server] = from.splice(s, 1)
    if (server) to.splice(across ? Math.min(s, to.length) : Math.min(to.length, Math.max(0, s + down)), 0, server)
  })
}

/** @param {import('../server.js').Server} server */
export function editTools(server) {
  const { id } = server.config
  const name = () => server.config.name
  /** @param {string} key */
  const again = (key) => document.getElementById(`edit-${key}-${id}`)?.focus()
  /**
   * @param {string} key
   * @param {string} drawing
   * @param {() => void} act
   */
  const tool = (key, drawing, act) => iconButton(drawing, `${t(`edit.${key}`)}: ${name()}`, () => {
    act()
    // The page was built again; the hand stays on the same button.
    again(key)
  }, { id: `edit-${key}-${id}` })
  return h('div', { class: 'edit-tools', role: 'group', 'aria-label': t('edit.server', { name: name() }), hidden: true },
    tool('left', 'left', () => move(id, -1, 0)),
    tool('up', 'up', () => move(id, 0, -1)),
    tool('down', 'down', () => move(id, 0, 1)),
    tool('right', 'right', () => move(id, 1, 0)),
    iconButton('edit', `${t('edit.change')}: ${name()}`, () => openServerDialog(server.config)),
    iconButton('close', `${t('edit.remove')}: ${name()}`, () => store.edit((config) => {
      const [c, s] = find(config, id)
      config.columns[c]?.servers.splice(s, 1)
    })))
}

/**
 * @param {number} index
 * @param {number} total
 * @param {string} name
 */
export function columnTools(index, total, name) {
  const field = h('input', { type: 'text', value: name, maxlength: 200, 'aria-label': t('edit.columnName'), placeholder: t('edit.columnName'), onchange: () => store.edit((config) => {
    const column = config.columns[index]
    if (column) column.name = field.value.trim()
  }) })
  /** @param {number} by */
  const shift = (by) => store.edit((config) => {
    const [column] = config.columns.splice(index, 1)
    if (column) config.columns.splice(index + by, 0, column)
  })
  const which = name || String(index + 1)
  return h('div', { class: 'edit-tools', role: 'group', 'aria-label': t('edit.column', { name: which }) }, field,
    iconButton('left', `${t('edit.left')}: ${which}`, () => shift(-1), { disabled: index === 0 }),
    iconButton('right', `${t('edit.right')}: ${which}`, () => shift(1), { disabled: index === total - 1 }),
    iconButton('close', `${t('edit.removeColumn')}: ${which}`, () => store.edit((config) => void config.columns.splice(index, 1))),
    h('button', { type: 'button', class: 'button', onclick: () => openServerDialog(null, index) }, t('edit.addServer')))
}
