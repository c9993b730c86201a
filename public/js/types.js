// The shapes that travel between modules. Types only; nothing runs here.

/**
 * Levels in percent; `hold` is for how many seconds a figure must stay above one before it is said.
 * @typedef {{cpu: number, memory: number, swap: number, hold: number}} Thresholds
 * @typedef {{id: string, name: string, host: string, interval: number, autoStart: boolean, token: string,
 *   thresholds: Thresholds}} ServerConfig `interval` in seconds; `host` as the user wrote it
 * @typedef {{name: string, servers: ServerConfig[]}} ColumnConfig
 * @typedef {{version: number, columns: ColumnConfig[]}} Config
 * @typedef {Record<string, any>} Push whatever a server sent; nothing in it is sure to have any shape
 * @typedef {'stopped'|'connecting'|'waiting'|'live'|'token'|'full'|'origin'|'mixed'|'refused'|'unreachable'|'restarting'|
 *   'closed'|'flood'} Phase
 * @typedef {'ok'|'warning'|'critical'} Level
 * @typedef {{time: number, kind: 'rebooted'|'clock jumped'}} Mark
 */
export {}
