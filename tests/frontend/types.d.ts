// The shapes that travel between the page's modules, named in its JSDoc. Checked with it, never served.

/** Levels in percent; `hold` is for how many seconds a figure must stay above one before it is said. */
type Thresholds = { cpu: number, memory: number, swap: number, hold: number }
/** `interval` in seconds; `host` as the user wrote it. */
type ServerConfig = { id: string, name: string, host: string, interval: number, autoStart: boolean, token: string, thresholds: Thresholds }
type ColumnConfig = { name: string, servers: ServerConfig[] }
type Config = { version: number, columns: ColumnConfig[] }
type Phase = 'stopped' | 'connecting' | 'waiting' | 'live' | 'token' | 'full' | 'origin' | 'mixed' | 'refused' | 'unreachable' | 'restarting' | 'closed' | 'flood' | 'crowd'
type Level = '' | 'warning' | 'critical'
type Mark = { time: number, kind: 'rebooted' | 'clock jumped' }
type Server = import('../../public/js/server.js').Server
type Samples = import('../../public/js/figures.js').History
/** One strip in CSS pixels; `max` is the value at its top. */
type StripRow = { series: string[], heat: boolean, max: number, top: number, height: number }
/** A text, or one with a share (a line below it) and a level. */
type Cell = string | { text: string, share?: number, level?: any }
/** `path.to.it format`, or a function of a row and its name. */
type Reading = string | ((row: any, name: string, server?: any) => Cell)
/** One part of a card that opens. */
type Section = [
  title: string, keys: string, build: (server: any, title: string) => { node: HTMLElement, update: () => void },
  more?: { offered?: (server: Server) => boolean, opens?: boolean },
]
type Tag = keyof HTMLElementTagNameMap
/** What `h` of dom.js gives, by the tag it is told. */
type MakeElement = <T extends string>(what: T, ...contents: any[]) =>
  T extends Tag ? HTMLElementTagNameMap[T] : T extends `${infer N extends Tag}.${string}` ? HTMLElementTagNameMap[N] : HTMLElement
