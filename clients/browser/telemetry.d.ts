/** 0 nothing, 1 errors, 2 product analytics and media, 3 marketing and behaviour. */
export type ConsentLevel = 0 | 1 | 2 | 3

export interface TelemetryOptions {
  /** Address of the API, without a path. */
  endpoint: string
  /** The bearer token of the person, or null while there is none. Asked anew for each request. */
  token?: () => string | null
  consent: ConsentLevel
  appVersion?: string
  fetch?: typeof fetch
}

export interface TrackOptions {
  mediaId: string
  mediaType?: string
  /** A UUID; made where none is given. */
  sessionId?: string
  /** An instance of hls.js or dash.js, for bitrates and their errors. */
  player?: object
  totalDuration?: number
  /** Address of the first segment, where the element's own says nothing (hls.js, dash.js). */
  resourceUrl?: string
}

export interface ErrorOptions {
  source?: 'app' | 'video' | 'network'
  code?: string
  fatal?: boolean
  sessionId?: string
}

export interface Telemetry {
  /** Follow a video; the answer ends the view and the following. */
  track(video: HTMLVideoElement, options: TrackOptions): () => void
  page(route?: string, properties?: Record<string, string | number | boolean>): void
  error(error: unknown, options?: ErrorOptions): void
  setConsent(level: ConsentLevel): void
  flush(): void
  state(): { sent: number; lost: number; kept: number }
}

export function createTelemetry(options: TelemetryOptions): Telemetry
