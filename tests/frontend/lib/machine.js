// A machine that never was: pushes in the exact shapes of the wire, moving smoothly so that pictures look like life.

const wave = (n, period, phase = 0) => 0.5 + 0.5 * Math.sin((n / period) * 2 * Math.PI + phase)
/** Repeatable noise, 0 to 1. */
const noise = (n, seed) => {
  const x = Math.sin(n * 12.9898 + seed * 78.233) * 43758.5453
  return x - Math.floor(x)
}
const two = (value) => Math.round(value * 100) / 100
const GIB = 1024 ** 3

/**
 * @param {{cpus?: number, load?: number, memory?: number, swap?: number, legacy?: boolean, extra?: Record<string, unknown>, notes?: Record<string, string>, seed?: number,
 *   name?: string, boot?: string, uptime?: string}} options
 */
export function machine({ cpus = 4, load = 0.4, memory = 0.6, swap = 0, legacy = false, extra = {}, notes = {}, seed = 1, name = 'web-01', boot = 'boot-1', uptime = '12 days,  4:05' } = {}) {
  const push = (n, interval = 1) => {
    const cpu_stat = {}
    for (let c = 0; c < cpus; c++) {
      const usage = Math.min(1, Math.max(0, load * (0.4 + 0.9 * wave(n, 40, c) * (0.6 + 0.8 * noise(n, c + seed)))))
      const system = usage * 0.22
      const irq = usage * 0.04
      const iowait = usage * 0.1 * noise(n, c + 9)
      cpu_stat[`cpu${c}`] = { usage: two(usage), user: two(usage - system - iowait), system: two(system), iowait: two(iowait + irq) }
    }
    const total = 16 * 1024 ** 2
    const apps = Math.round(total * Math.min(0.98, memory + 0.03 * wave(n, 90)))
    const buffers = Math.round(total * 0.03)
    const cached = Math.round(Math.min(total * 0.2, total - apps - buffers))
    const free = Math.max(0, total - apps - buffers - cached)
    const swapTotal = swap ? 4 * 1024 ** 2 : 0
    const legacyKeys = {
      cpu_stat,
      meminfo: { memory: { total, used: total - free, free, apps, buffers, cached, swapCached: 0 }, swap: { total: swapTotal, used: Math.round(swapTotal * swap), free: Math.round(swapTotal * (1 - swap)) } },
      processes: { all: 214, running: 1 + Math.round(2 * noise(n, 3)), sleep: 211, stopped: 0, zombie: 0 },
      uptime: { time: new Date().toTimeString().slice(0, 8), uptime, users: '2', la1: (load * cpus * (0.5 + wave(n, 60))).toFixed(2), la5: (load * cpus).toFixed(2), la15: (load * cpus * 0.8).toFixed(2) },
    }
    if (legacy) return legacyKeys
    const burst = noise(Math.floor(n / 7), seed + 4) > 0.7 ? 9 : 1
    const rx = 2.1e6 * burst * (0.4 + noise(n, 21))
    const tx = 0.4e6 * burst * (0.4 + noise(n, 22))
    const read = 3e6 * (noise(n, 31) > 0.8 ? 8 : 0.2)
    const write = 1.2e6 * (0.3 + noise(n, 32))
    return {
      _meta: { v: 1, seq: n, ts: Date.now() / 1000, mono: Date.now() / 1000 - 1000, dt: interval, boot, stale: {}, err: {} },
      ...legacyKeys,
      cpu: { n: cpus, online: `0-${cpus - 1}`, all: { user: 0.2, nice: 0, system: 0.08, idle: 0.7, iowait: 0.01, irq: 0, softirq: 0.01, steal: 0, guest: 0, guest_nice: 0 }, ctxt: 8421 + 900 * noise(n, 5), intr: 5210, forks: 12, running: 2, blocked: 0 },
      mem: { total: total * 1024, available: (total - apps) * 1024, used: apps * 1024, free: free * 1024, buffers: buffers * 1024, cached: cached * 1024, sreclaimable: 2e8, shmem: 1.2e8, arc: null, arc_min: null, dirty: 3.1e6, writeback: 0, anon: 5e9, slab: 4e8, hugetlb: 0, commit: 8e9, commit_limit: 1.2e10, swap: { total: swapTotal * 1024, free: swapTotal * 1024 * (1 - swap), cached: 0, in: swap ? 41e3 : 0, out: 0 }, zswap: null, oom_kill: 0 },
      psi: { cpu: { some: [4.2 * wave(n, 30), 3.1, 2.2, 123456], full: [0, 0, 0, 0] }, memory: { some: [0.4, 0.2, 0.1, 1], full: [0.1, 0, 0, 1] }, io: { some: [9 * noise(n, 8), 6.4, 5.1, 99], full: [3.2, 2.1, 1.9, 88] }, irq: null },
      disk: { total: { r: read, w: write }, dev: { nvme0n1: { r: read, w: write, ri: 120, wi: 44, util: Math.min(1, read / 4e7), r_ms: 0.21, w_ms: 0.64, q: 0.3 }, sda: { r: 0, w: 12e3, ri: 0, wi: 1, util: 0.01, r_ms: 0, w_ms: 8.2, q: 0 } } },
      fs: [{ mnt: '/', src: '/dev/nvme0n1p2', type: 'ext4', size: 400 * GIB, used: 251 * GIB, avail: 129 * GIB, inode_pct: 12, ro: false, stale: null }, { mnt: '/var/lib/postgresql', src: '/dev/nvme0n1p3', type: 'xfs', size: 200 * GIB, used: 186 * GIB, avail: 14 * GIB, inode_pct: 1, ro: false, stale: null }, { mnt: '/mnt/backup', src: 'nas:/backup', type: 'nfs4', size: null, used: null, avail: null, inode_pct: null, ro: false, stale: 94 }],
      net: { total: { rx, tx }, if: { enp3s0: { rx, tx, rxp: 1800, txp: 900, err: 0, drop: 0, up: true, mbps: 1000 }, enp4s0: { rx: 0, tx: 0, rxp: 0, txp: 0, err: 0, drop: 0, up: false, mbps: null }, lo: { rx: 8e3, tx: 8e3, rxp: 10, txp: 10, err: 0, drop: 0, up: true, mbps: null } } },
      sock: { tcp: 84, tw: 12, orphan: 0, udp: 9, retrans: 0.4, listen_drop: 0, conntrack: [1240, 262144] },
      sens: { t: [{ chip: 'k10temp', label: 'Tctl', c: 52 + 6 * wave(n, 80), max: 95, crit: 105 }, { chip: 'nvme', label: 'Composite', c: 44, max: 81, crit: 84 }], fan: [{ label: 'cpu_fan', rpm: 980 }], w: { package: 38.2 } },
      procs: { total: 231, threads: 812, r: 2, s: 210, d: 1, i: 18, t: 0, z: 0, visible: true },
      top: { cpu: top(n, 'cpu'), mem: top(n, 'mem'), io: top(n, 'io') },
      units: { failed: ['certbot.service'], unit: { 'nginx.service': { cpu: 0.08, mem: 9e7, rd: 0, wr: 41e3, tasks: 9, psi: 0 }, 'postgresql.service': { cpu: 0.31, mem: 2.4e9, rd: read, wr: write, tasks: 28, psi: 0.2 } } },
      ct: { 'shop-api': { engine: 'docker', cpu: 0.42, mem: 4.1e8, mem_max: 1e9, rd: 0, wr: 12e3, pids: 21 }, redis: { engine: 'docker', cpu: 0.03, mem: 6e7, mem_max: null, rd: 0, wr: 0, pids: 5 } },
      gpu: [{ name: 'AMD Radeon Pro W6600', busy: 0.3 * wave(n, 50), vram_used: 1.9 * GIB, vram: 8 * GIB, c: 47, w: 31 }],
      self: { rss: 8e6, cpu: 0.002, clients: 1, dropped: 0, collect_us: 340 },
      queue: { value: 120 + Math.round(80 * wave(n, 25)), unit: 'jobs', max: 500, warn: 190 },
      ...extra,
    }
  }
  const top = (n, order) => ['postgres', 'node', 'nginx', 'rtstatd', 'kworker/u16:2'].map((process, i) => ({ pid: 1000 + i * 37, start: 1, name: process, uid: 33, unit: `${process}.service`, cpu: (order === 'cpu' ? 0.9 : 0.2) / (i + 1) * noise(n, i), rss: 4e8 / (i + 1), rd: i ? 0 : 2e6, wr: 1e5 * i, st: 'S' }))
  return {
    push,
    standard: (full) => legacy ? full : Object.fromEntries(['cpu_stat', 'meminfo', 'processes', 'uptime'].map((key) => [key, full[key]])),
    info: () => ({
      version: '1.0.0', host: name, os: 'Debian GNU/Linux 13', kernel: '6.12.0', cpus, virt: 'none', limits: {},
      plugins: {
        ...Object.fromEntries(Object.keys(push(0)).filter((key) => !key.startsWith('_')).map((key) => [key, { kind: 'gauge', unit: '', min_interval: 0.5, default: ['cpu_stat', 'meminfo', 'processes', 'uptime'].includes(key), note: notes[key] }])),
        zfs: { kind: 'table', unit: '', min_interval: 10, default: false, reason: 'no /proc/spl/kstat/zfs' },
      },
    }),
  }
}
