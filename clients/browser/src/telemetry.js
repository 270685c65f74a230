// The front of the client: what a page calls.
import { createSender, quietly } from './sender.js'
import { scrub, trackVideo } from './media.js'

export function createTelemetry({ endpoint, token, consent, appVersion, fetch: given }) {
  const sender = createSender({
    endpoint: String(endpoint).replace(/\/$/, ''), token: quietly(token || (() => null)), consent,
    fetcher: given || ((...request) => fetch(...request)),
  })
  const views = new Set()
  addEventListener('online', sender.online)
  addEventListener('pagehide', quietly(() => { views.forEach(view => view.leave()); sender.leave() }))
  document.addEventListener('visibilitychange', quietly(() => { if (document.visibilityState === 'hidden') sender.leave() }))

  return {
    track: (video, options) => {
      const view = quietly(trackVideo)(video, options, quietly(sender.push))
      if (!view) return () => {}
      views.add(view)
      return () => { view.stop(); views.delete(view) }
    },
    page: quietly((route = location.pathname, properties) =>
      sender.push('/v1/analytics/events', 2, { kind: 'page_view', route: route.split(/[?#]/)[0], properties })),
    error: quietly((error, { source = 'app', code, fatal = false, sessionId } = {}) =>
      sender.push('/v1/errors/report', 1, {
        source, error_code: String(code || (error && error.name) || 'Error').slice(0, 60),
        message: scrub(error && error.message || error), stack: error && error.stack && scrub(error.stack),
        url: location.pathname, fatal, session_id: sessionId, app_version: appVersion,
      })),
    setConsent: quietly(sender.setConsent),
    flush: sender.flush,
    state: () => ({ ...sender.counts, kept: sender.kept() }),
  }
}
