// The sections of a card in their order. One appears with the first push that holds its key, or when the server offers it,
// and stays.

import { memory, processors } from './bars.js'
import { others } from './others.js'
import * as tables from './tables.js'

/** @typedef {import('../server.js').Server} Server */
/** @typedef {{id: string, offered: (server: Server) => boolean, build: (server: Server) => {node: HTMLElement, update: () => void},
 *   opens?: boolean, scrubs?: boolean, demand?: boolean}} Section `demand`: asked for while open */

const has = (...keys) => ({ push }) => keys.some((key) => push[key] !== undefined && push[key] !== null)

/** @type {Section[]} */
export const SECTIONS = [
	{ id: 'processors', offered: has('cpu_stat'), build: processors, opens: true, scrubs: true },
	{ id: 'memory', offered: has('meminfo'), build: memory, opens: true },
	{ id: 'top', offered: ({ client, push }) => client.info?.plugins.has('top') || push.top !== undefined, build: tables.top, demand: true },
	{ id: 'network', offered: has('net', 'sock'), build: tables.network },
	{ id: 'disks', offered: has('disk'), build: tables.disks },
	{ id: 'filesystems', offered: has('fs'), build: tables.filesystems },
	{ id: 'pressure', offered: has('psi'), build: tables.pressure },
	{ id: 'units', offered: has('units'), build: tables.units },
	{ id: 'containers', offered: has('ct'), build: tables.containers },
	{ id: 'sensors', offered: has('sens'), build: tables.sensors },
	{ id: 'gpu', offered: has('gpu'), build: tables.gpu },
	{ id: 'others', offered: (server) => server.unknown().length + server.unavailable().length > 0, build: others, opens: true },
]
