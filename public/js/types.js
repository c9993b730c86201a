// The shapes that travel between modules. Types only; nothing runs here.

/**
 * Alarm levels in percent, and how long (seconds) a figure must stay above one before it is said.
 * @typedef {{cpu: number, memory: number, swap: number, hold: number}} Thresholds
 */

/**
 * One watched server as the configuration holds it. `host` is what the user wrote; `interval` is in seconds.
 * @typedef {{id: string, name: string, host: string, interval: number, autoStart: boolean, token: string,
 *   thresholds: Thresholds}} ServerConfig
 */

/** @typedef {{name: string, servers: ServerConfig[]}} ColumnConfig */
/** @typedef {{version: number, columns: ColumnConfig[]}} Config */

/**
 * What a server answers to `info`. Every field may be missing: it comes from outside.
 * @typedef {{kind?: unknown, unit?: unknown, min_interval?: unknown, default?: unknown, reason?: unknown}} PluginInfo
 * @typedef {{version?: unknown, host?: unknown, os?: unknown, kernel?: unknown, cpus?: unknown, virt?: unknown,
 *   plugins: Map<string, PluginInfo>}} Info
 */

/**
 * One push, parsed. Nothing in it may be trusted to have any shape.
 * @typedef {Record<string, unknown>} Push
 */

/**
 * What a connection is doing. `retryAt` is on the clock of `Date.now()`.
 * @typedef {'stopped'|'connecting'|'waiting'|'live'|'token'|'full'|'origin'|'mixed'|'refused'|'unreachable'|
 *   'restarting'|'closed'|'flood'} Phase
 */

/** @typedef {'ok'|'warning'|'critical'} Level */

export {}
