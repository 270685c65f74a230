// Sends events in batches and keeps those that could not be sent, in memory only: nothing of a patient rests on a device.
// An event keeps its id over all attempts; the platform counts it once. Nothing here throws into the page.

const MOST_EVENTS = 100
const MOST_BYTES = 60000
const MOST_KEPT = 1000
const SOON = 5000

const size = text => new TextEncoder().encode(text).length

// crypto.randomUUID exists in secure contexts only.
export const uuid = () =>
  crypto.randomUUID
    ? crypto.randomUUID()
    : '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, c =>
        (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16))

export const quietly = work => (...given) => {
  try { return work(...given) } catch { return undefined }
}

export function createSender({ endpoint, token, consent, fetcher }) {
  let queue = []
  let level = 0
  let failures = 0
  let timer = null
  let busy = false
  const counts = { sent: 0, lost: 0 }

  const later = wait => {
    clearTimeout(timer)
    timer = setTimeout(quietly(() => { timer = null; flush() }), wait)
  }

  const remove = (events, lost) => {
    const gone = new Set(events)
    const before = queue.length
    queue = queue.filter(item => !gone.has(item))
    counts[lost ? 'lost' : 'sent'] += before - queue.length
  }

  const setConsent = given => {
    const agreed = [0, 1, 2, 3].includes(given) ? given : 1
    level = navigator.globalPrivacyControl ? Math.min(agreed, 2) : agreed
    queue = queue.filter(item => item.level <= level)
  }

  const push = (path, needs, fields) => {
    if (needs > level) return
    queue.push({ path, level: needs, tries: 0, event: { event_id: uuid(), timestamp: new Date().toISOString(), ...fields } })
    if (queue.length > MOST_KEPT) remove(queue.slice(0, queue.length - MOST_KEPT), true)
    if (timer === null && !busy) later(SOON)
  }

  // The oldest events of one path, within the limits of a request; `room` is what keepalive has left.
  const next = (path, most, room) => {
    const found = []
    for (const item of queue) {
      if (item.path !== path || found.length === most) continue
      room -= size(JSON.stringify(item.event)) + 50
      if (room < 0 && found.length) break
      found.push(item)
    }
    return found
  }

  const request = (batch, keepalive) => {
    const sent_at = new Date().toISOString()
    const headers = { 'Content-Type': 'application/json', 'X-Consent-Level': String(level) }
    const bearer = token && token()
    if (bearer) headers.Authorization = 'Bearer ' + bearer
    const body = JSON.stringify({ events: batch.map(item => ({ ...item.event, sent_at })) })
    return fetcher(endpoint + batch[0].path, { method: 'POST', headers, body, keepalive, credentials: 'omit', mode: 'cors' })
  }

  const pause = answer => {
    const asked = answer && answer.headers.get('Retry-After')
    const seconds = asked ? (Number(asked) || (Date.parse(asked) - Date.now()) / 1000) : 0
    if (seconds > 0) return Math.min(seconds, 3600) * 1000 + Math.random() * 1000
    return Math.min(60000, 1000 * 2 ** failures) * (0.5 + Math.random() / 2)
  }

  // What an answer means for a batch: true when there is nothing to wait for.
  const settle = (batch, answer) => {
    const status = answer ? answer.status : 0
    if (status >= 200 && status < 300) remove(batch, false)
    else if (status === 413 || status === 422 || status === 400) {
      // Too large or too many: each half by itself. What is refused alone would be refused again.
      if (batch.length > 1) batch.forEach(item => { item.most = Math.ceil(batch.length / 2) })
      else remove(batch, true)
    } else {
      // A token may be renewed, once or twice; who still may not write never will.
      if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
        batch.forEach(item => { item.tries += 1 })
        remove(batch.filter(item => item.tries > 3), true)
      }
      return false
    }
    return true
  }

  async function flush() {
    if (busy || !queue.length) return
    // Media and analytics take a token: without one they wait, and errors go.
    const first = queue.find(item => (token && token()) || item.path.includes('errors'))
    if (!first || navigator.onLine === false) return later(SOON)
    busy = true
    const batch = next(first.path, first.most || MOST_EVENTS, MOST_BYTES)
    let answer = null
    try { answer = await request(batch, false) } catch { answer = null }
    busy = false
    if (settle(batch, answer)) {
      failures = 0
      if (queue.length) later(0)
    } else {
      later(pause(answer))
      failures += 1
    }
  }

  // The page goes: everything that fits into what a browser lets live on. A request under way may die with the page, so
  // its events go again, with the same ids.
  const leave = quietly(() => {
    let room = MOST_BYTES
    for (const path of new Set(queue.map(item => item.path))) {
      const batch = next(path, MOST_EVENTS, room)
      const bytes = size(JSON.stringify(batch.map(item => item.event))) + 50 * batch.length
      if (!batch.length || bytes > room) continue
      room -= bytes
      request(batch, true).then(quietly(answer => settle(batch, answer)), () => {})
    }
  })

  setConsent(consent)
  return { push, flush: quietly(() => flush().catch(() => {})), leave, setConsent, counts, kept: () => queue.length,
    online: quietly(() => { failures = 0; later(0) }) }
}
