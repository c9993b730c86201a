// The sections that are one table each: what they need of a push, and their columns.

import { h } from '../dom/h.js'
import { redraw, setAttribute } from '../dom/update.js'
import {
  figure, leftOut, NAME, shareCell, sideBySide, sortByCpu, tableSection, USE, words,
} from '../elements/table.js'
import { fullness, gpuBusy } from '../model/figures.js'
import { amount, at, finite, plainText, ratio, rowsOf, share } from '../model/values.js'
import { bytes, celsius, count, digits, NONE, percent, rate, span } from '../text/format.js'
import { t } from '../text/i18n.js'

const joined = (...parts) => parts.filter(Boolean).join(' · ')

// Those that there are, and how many there may be.
const TRACKED = ['0', '1'].map((place) => figure(count, 'sock', 'conntrack', place))

/** @type {Section} */
export const network = {
  title: 'Network',
  keys: ['net', 'sock'],
  build: tableSection({
    rows: (push) => at(push, 'net', 'if'),
    columns: [
      NAME,
      { title: 'Received', read: figure(rate, 'rx') },
      { title: 'Sent', read: figure(rate, 'tx') },
      {
        title: 'Faults/s',
        read(row) {
          const faults = amount(at(row, 'err')) + amount(at(row, 'drop'))
          return { text: count(faults), level: faults > 0 ? 'warning' : '' }
        },
      },
      { title: 'Link', read: linkCell },
    ],
    facts: [
      { label: 'TCP', read: figure(count, 'sock', 'tcp') },
      { label: 'Time-wait', read: figure(count, 'sock', 'tw') },
      { label: 'UDP', read: figure(count, 'sock', 'udp') },
      { label: 'Retransmits/s', read: figure(count, 'sock', 'retrans') },
      { label: 'Queue drops/s', read: figure(count, 'sock', 'listen_drop') },
      { label: 'Tracked', read: sideBySide(TRACKED, ' / ') },
    ],
  }),
}

function linkCell(row, name, server) {
  const isUp = at(row, 'up')
  if (isUp === false) {
    // A port that nothing was ever plugged into is no fault.
    return { text: t('down'), level: server.links.includes(name) ? 'warning' : '' }
  }
  const speed = amount(at(row, 'mbps'))
  if (speed > 0) return { text: `${count(speed)} Mb/s` }
  return { text: isUp ? t('up') : NONE }
}

/** @type {Section} */
export const disks = {
  title: 'Disks',
  keys: ['disk'],
  build: tableSection({
    rows: (push) => at(push, 'disk', 'dev'),
    columns: [
      NAME,
      { title: 'Read', read: figure(rate, 'r') },
      { title: 'Write', read: figure(rate, 'w') },
      {
        title: 'Busy',
        read(row) {
          const busy = ratio(at(row, 'util'))
          return shareCell(busy, busy > 0.95 ? 'warning' : '')
        },
      },
      {
        title: 'ms r/w',
        read: (row) => ['r_ms', 'w_ms'].map((key) => digits(amount(at(row, key)))).join(' / '),
      },
    ],
  }),
}

/** @type {Section} */
export const filesystems = {
  title: 'Filesystems',
  keys: ['fs'],
  build: tableSection({
    rows: ({ fs }) => fs,
    columns: [
      { title: 'Name', read: words('mnt') },
      {
        title: 'Used',
        read(row) {
          const used = fullness(row)
          // What cannot be written to, like an image, is full by nature.
          if (at(row, 'ro') || !(used >= 0.9)) return shareCell(used)
          return shareCell(used, used >= 0.97 ? 'critical' : 'warning')
        },
      },
      { title: 'Free', read: figure(bytes, 'avail') },
      { title: 'Inodes', read: (row) => percent(finite(at(row, 'inode_pct')) / 100) },
      { title: 'Type', read: filesystemCell, atStart: true },
    ],
  }),
}

function filesystemCell(row) {
  const stale = at(row, 'stale')
  const text = joined(
    plainText(at(row, 'type'), 16),
    at(row, 'ro') === true && t('read-only'),
    at(row, 'by') === 'self' && t('own view'),
    stale && t('not answering {s}', { s: stale > 0 ? span(finite(stale)) : '' }),
  )
  return { text, level: stale ? 'warning' : '' }
}

// Whether at least one task waits, or all of them at once.
const WAITERS = { some: 'some wait', full: 'all wait' }
const RESOURCES = { cpu: 'CPU', memory: 'Memory', io: 'IO', irq: 'Interrupts' }

/** @type {Section} */
export const pressure = {
  title: 'Pressure',
  keys: ['psi'],
  build: tableSection({
    rows: ({ psi }) => Object.fromEntries(
      Object.entries(RESOURCES).flatMap(([resource, what]) => (
        Object.entries(WAITERS)
          .map(([waiters, who]) => [`${t(what)} · ${t(who)}`, at(psi, resource, waiters)])
          // A kernel may lack any of them.
          .filter(([, shares]) => Array.isArray(shares))
      )),
    ),
    columns: [
      NAME,
      ...['10 s', '1 min', '5 min'].map((title, place) => ({
        title,
        read: (row) => shareCell(ratio(finite(at(row, String(place))) / 100)),
      })),
    ],
  }),
}

const sensorName = (row) => (
  joined(plainText(at(row, 'chip'), 40), plainText(at(row, 'label'), 40))
)

/** @type {Section} */
export const sensors = {
  title: 'Sensors',
  keys: ['sens'],
  build: tableSection({
    rows: ({ sens }) => at(sens, 't'),
    columns: [
      { title: 'Name', read: sensorName },
      {
        title: 'Now',
        read(row) {
          const [now, high, critical] = ['c', 'max', 'crit'].map((key) => finite(at(row, key)))
          const level = now >= critical ? 'critical' : now >= high ? 'warning' : ''
          return { text: celsius(now), level }
        },
      },
      { title: 'High', read: (row) => celsius(finite(at(row, 'max'))) },
      { title: 'critical', read: (row) => celsius(finite(at(row, 'crit'))) },
    ],
    addFacts({ sens }, facts) {
      for (const { value: fan } of rowsOf(at(sens, 'fan'), 20).rows) {
        facts.set(sensorName(fan) || t('Fan'), `${count(amount(at(fan, 'rpm')))} ${t('rpm')}`)
      }
      for (const { key, value: watts } of rowsOf(at(sens, 'w'), 20).rows) {
        facts.set(plainText(key, 32), `${digits(amount(watts))} ${t('W')}`)
      }
    },
  }),
}

/** @type {Section} */
export const graphics = {
  title: 'Graphics',
  keys: ['gpu'],
  build: tableSection({
    rows: ({ gpu }) => gpu,
    columns: [
      { title: 'Name', read: words('name') },
      { title: 'Busy', read: (row) => shareCell(gpuBusy(row)) },
      {
        title: 'Memory',
        read: (row) => ({
          text: ['vram_used', 'vram'].map((key) => bytes(amount(at(row, key)))).join(' / '),
          share: share(at(row, 'vram_used'), at(row, 'vram')),
        }),
      },
      { title: '°C', read: figure(digits, 'c') },
      { title: 'W', read: figure(digits, 'w') },
    ],
  }),
}

/** @type {Section} */
export const containers = {
  title: 'Containers',
  keys: ['ct'],
  build: tableSection({
    rows: ({ ct }) => ct,
    columns: [
      NAME,
      { title: 'Engine', read: words('engine'), atStart: true },
      USE.cpu,
      {
        title: 'Memory',
        read: (row) => ({
          text: bytes(amount(at(row, 'mem'))),
          share: share(at(row, 'mem'), at(row, 'mem_max')),
        }),
      },
      USE.read,
      USE.write,
      { title: 'PIDs', read: figure(count, 'pids') },
    ],
    sort: sortByCpu,
  }),
}

const running = tableSection({
  rows: (push) => at(push, 'units', 'unit'),
  columns: [NAME, ...Object.values(USE), { title: 'Tasks', read: figure(count, 'tasks') }],
  sort: sortByCpu,
})

/** @type {Section} */
export const services = {
  title: 'Services',
  keys: ['units'],
  build(server, caption) {
    const table = running(server, caption)
    const failed = h('ul')
    return {
      node: h('div', failed, table.node),
      update() {
        showFailed(failed, at(server.push, 'units', 'failed'))
        table.update()
      },
    }
  },
}

function showFailed(list, units) {
  const { rows, total } = rowsOf(units)
  const names = rows.map(({ value }) => `${t('Failed')}: ${plainText(value, 80)}`)
  const lines = [...names, leftOut(total, rows.length)]
  redraw(list, lines.join(), () => (total
    ? lines.map((line) => h('li.fault', line))
    : [h('li.muted', t('No failed unit.'))]))
}

// The server sends the first processes by each of these.
const ORDERS = { cpu: 'CPU', mem: 'Memory', io: 'IO' }

/** @type {Section} */
export const processes = {
  title: 'Top processes',
  keys: ['top'],
  // Its key comes only once somebody looks.
  isOffered: ({ connection }) => connection.info?.plugins.has('top') ?? false,
  onToggle: (server, isOpen) => server.wantProcesses(isOpen),
  build(server, caption) {
    let order = 'cpu'
    const list = tableSection({
      rows: ({ top }) => at(top, order),
      columns: [
        { title: 'Name', read: words('name') },
        { title: 'PID', read: figure(digits, 'pid') },
        USE.cpu,
        { title: 'Memory', read: figure(bytes, 'rss') },
        USE.read,
        USE.write,
        { title: 'Service', read: words('unit'), atStart: true },
      ],
    })(server, caption)
    const tabs = Object.entries(ORDERS).map(([key, title]) => h('button.tab', {
      value: key,
      onclick() {
        order = key
        update()
      },
    }, t(title)))
    const update = () => {
      for (const tab of tabs) setAttribute(tab, 'aria-pressed', String(tab.value === order))
      list.update()
    }
    return {
      node: h('div', h('div.tabs', { role: 'group', 'aria-label': t('Order') }, tabs), list.node),
      update,
    }
  },
}
