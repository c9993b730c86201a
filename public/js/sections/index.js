// The sections of a card in their order: what each needs, and how it is built. A section appears with the first push that
// holds its key (or when the server offers it), and stays.

import { own } from '../values.js'
import { containers, units } from './services.js'
import { disks, filesystems } from './storage.js'
import { gpu, sensors } from './hardware.js'
import { memory } from './memory.js'
import { network } from './network.js'
import { others } from './others.js'
import { pressure } from './pressure.js'
import { processors } from './processors.js'
import { top } from './top.js'

/** @typedef {import('../server.js').Server} Server */
/**
 * @typedef {{id: string, opens: boolean, scrubs?: boolean, offered: (server: Server) => boolean,
 *   build: (server: Server) => {node: HTMLElement, update: () => void, draw?: () => void},
 *   toggled?: (server: Server, open: boolean) => void}} Section
 */

/** @param {string[]} keys */
const pushed = (...keys) => (/** @type {Server} */ server) => keys.some((key) => {
  const value = own(server.push, key)
  return value !== undefined && value !== null
})

/** @type {Section[]} */
export const SECTIONS = [
  { id: 'processors', opens: true, scrubs: true, offered: pushed('cpu_stat'), build: processors },
  { id: 'memory', opens: true, offered: pushed('meminfo'), build: memory },
  { id: 'network', opens: false, offered: pushed('net', 'sock'), build: network },
  { id: 'disks', opens: false, offered: pushed('disk'), build: disks },
  { id: 'filesystems', opens: false, offered: pushed('fs'), build: filesystems },
  { id: 'pressure', opens: false, offered: pushed('psi'), build: pressure },
  { id: 'top', opens: false, offered: (server) => server.client.info?.plugins.has('top') === true || own(server.push, 'top') !== undefined,
    build: top, toggled: (server, open) => server.want('top', open) },
  { id: 'units', opens: false, offered: pushed('units'), build: units },
  { id: 'containers', opens: false, offered: pushed('ct'), build: containers },
  { id: 'sensors', opens: false, offered: pushed('sens'), build: sensors },
  { id: 'gpu', opens: false, offered: pushed('gpu'), build: gpu },
  { id: 'others', opens: true, offered: (server) => server.unknown(1).total > 0 || server.unavailable().length > 0, build: others },
]
