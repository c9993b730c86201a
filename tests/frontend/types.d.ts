// The shapes that travel between the page's modules, named in its JSDoc. Checked with it, never
// served.

/** Levels in percent; `hold` is for how many seconds a figure must stay above one. */
type Thresholds = { cpu: number, memory: number, swap: number, hold: number }

type ServerConfig = {
  id: string
  name: string
  /** As the user wrote it. */
  host: string
  /** In seconds. */
  interval: number
  autoStart: boolean
  token: string
  thresholds: Thresholds
}
type ColumnConfig = { name: string, servers: ServerConfig[] }
type Config = { version: number, columns: ColumnConfig[] }

/** What a connection is doing, or why it is not. */
type Phase =
  | 'stopped' | 'connecting' | 'waiting' | 'live' | 'token' | 'full' | 'origin' | 'mixed' | 'refused'
  | 'unreachable' | 'restarting' | 'closed' | 'flood' | 'crowd'
type Level = '' | 'warning' | 'critical'
type Mark = { time: number, kind: 'rebooted' | 'clock jumped' }

/** What a server sends, of which nothing is certain. */
type Push = Record<string, any>
/** The answer to `info`; `plugins` by name, each with a `unit`, a `reason` or a `note`. */
type ServerInfo = { plugins: Map<string, any>, [key: string]: any }
type Server = import('../../public/js/model/server.js').Server
type Samples = import('../../public/js/model/history.js').History

/** What a processor does, each part from 0 to 1; `usage` is NaN when it is not told. */
type CpuUsage = {
  name: string
  usage: number
  user: number
  system: number
  irq: number
  iowait: number
  steal: number
}
/** One entry of an object or an array that a server sent. */
type Row = { key: string, value: any }

/** What is wrong with a configuration. Texts are named by their keys, to be said in any language. */
type ConfigFault = {
  /** Path of the value, like `columns[0].servers[1].id`. */
  where?: string
  /** Of the text that says it. */
  key?: string
  got?: unknown
  /** Key of the text for what is needed instead. */
  what?: string
  values?: Record<string, unknown>
}
type LoadProblem = { source: string, error: unknown }
type StorageArea = 'localStorage' | 'sessionStorage'
/** What the reader likes: kept, and therefore never renamed. */
type Preferences = {
  theme: string
  /** Order of the fleet. */
  sort: string
  /** Strips only. */
  compact: boolean
  notify: boolean
  /** Whether a section is open, by `server id/title`. */
  open: Record<string, boolean>
}

/** `factor` is what one of it is worth. */
type Unit = { factor: number, name: string }
type UnitFamily = 'bytes' | 'rate' | 'count'

type Scale = 'ratio' | 'number' | 'rate' | 'celsius' | 'heat'
/** One strip in CSS pixels; `max` is the value at its top. */
type StripRow = { series: string[], scale: Scale, max: number, top: number, height: number }

/** One kind of strip; its id is also the figure of its alarm. */
type StripKind = {
  id: string
  label: string
  /** Drawn over one another, the first one filled. */
  series: string[]
  scale: Scale
  /** Key of what it is in more words than the label. */
  title?: string
  /** One before each figure that is written; without any, one is written. */
  signs?: string[]
  /** Whether the page of strips only shows it too. */
  onWall?: boolean
}
/** A row, and what stands beside its strip; `lines` is its height in those of a plain one. */
type LabelledRow = StripRow & {
  id: string
  lines: number
  signs: string[]
  unit?: Unit
  name: HTMLElement
  value: HTMLElement
  figures: HTMLElement[]
}
/** What the strips of a card show up to `end`; between samples further apart than `gap` is a hole. */
type Picture = { end: number, gap: number, width: number, height: number, rows: StripRow[] }

/** A part of a stacked bar is also the name of its colour. */
type BarPart = { part: string, label: string }
type Bar = {
  label: string
  value: string
  level?: string
  /** From left to right. */
  parts: { part: string, share: number }[]
}
/** A label and what stands beside it; `NONE` while there is nothing. */
type Fact = { label: string, read: (push: Push) => string }

/** A text, or one with a share (a line below it) and a level. */
type Cell = string | { text: string, share?: number, level?: string }

/** Figures stand at the end of their column. */
type Heading = { title: string, atEnd?: boolean }
/** `total` rows that there are, where not all are shown. */
type TableContent = { headings: Heading[], rows: Cell[][], total?: number }
type Column = {
  title: string
  /** `name` is the key of the row. */
  read: (row: any, name: string, server: Server) => Cell
  /** For columns of words; the first one is such anyway. */
  atStart?: boolean
}
type TableLayout = {
  rows: (push: Push) => unknown
  columns: Column[]
  /** In place. */
  sort?: (rows: Row[]) => void
  facts?: Fact[]
  /** Those whose labels come with a push. */
  addFacts?: (push: Push, facts: import('../../public/js/elements/facts.js').Facts) => void
}
/** What a view shows, and how it is brought up to date. */
type Part = { node: HTMLElement, update: () => void }

/** One part of a card that opens. */
type Section = {
  /** In English: its key among the texts, and in what the browser remembers. */
  title: string
  /** Keys of a push: with the first of them it appears. */
  keys: string[]
  /** Whether it appears without any of its keys. */
  isOffered?: (server: Server) => boolean
  /** Whether it is open where nobody has said otherwise. */
  startsOpen?: boolean
  onToggle?: (server: Server, isOpen: boolean) => void
  build: (server: Server, caption: string) => Part
}

type Card = HTMLElement & { focusHeading(): void }

type Tag = keyof HTMLElementTagNameMap
/** What `h` gives, by the tag it is told. */
type MakeElement = <T extends string>(what: T, ...contents: any[]) =>
  T extends Tag ? HTMLElementTagNameMap[T]
    : T extends `${infer N extends Tag}.${string}` ? HTMLElementTagNameMap[N]
      : HTMLElement
