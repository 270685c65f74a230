// Built from src/ by build.py: change the sources.
;(() => {
'use strict'
const MOST_EVENTS = 100
const MOST_BYTES = 60000
const MOST_KEPT = 1000
const SOON = 5000
const size = text => new TextEncoder().encode(text).length
const uuid = () =>
crypto.randomUUID
? crypto.randomUUID()
: '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, c =>
(c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16))
const quietly = work => (...given) => {
try { return work(...given) } catch { return undefined }
}
function createSender({ endpoint, token, consent, fetcher }) {
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
const settle = (batch, answer) => {
const status = answer ? answer.status : 0
if (status >= 200 && status < 300) remove(batch, false)
else if (status === 413 || status === 422 || status === 400) {
if (batch.length > 1) batch.forEach(item => { item.most = Math.ceil(batch.length / 2) })
else remove(batch, true)
} else {
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
const BEAT = 10000
const MILESTONES = [25, 50, 75, 95]
const NAMES = { 1: 'MEDIA_ERR_ABORTED', 2: 'MEDIA_ERR_NETWORK', 3: 'MEDIA_ERR_DECODE', 4: 'MEDIA_ERR_SRC_NOT_SUPPORTED' }
const scrub = text =>
String(text || '').replace(/[?#]\S*/g, '').replace(/\S+@\S+/g, ':mail').replace(/\d{6,}/g, ':number').slice(0, 1000)
const whole = value => (Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined)
function trackVideo(video, { mediaId, mediaType = 'video', sessionId, player, totalDuration, resourceUrl }, push) {
const asked = performance.now()
let session, pending, begun, played, ended, playing, playingSince, watched, stall, jump, stalls, stalledMs, reached, loadedAt
let position = video.currentTime
let bitrate, resolution, loadFrom = asked
const reset = id => {
session = id || uuid()
pending = null
begun = played = ended = playing = false
watched = stalls = stalledMs = 0
stall = jump = null
reached = new Set()
}
const emit = (event, data, timestamp) =>
push('/v1/media/events', event === 'error' ? 1 : 2, {
event, session_id: session, media_id: mediaId, media_type: mediaType, data, ...(timestamp ? { timestamp } : {}),
})
const at = () => ({ position_seconds: video.currentTime })
const seen = () => (video.videoHeight ? video.videoHeight + 'p' : undefined)
const dropped = () => (video.getVideoPlaybackQuality ? video.getVideoPlaybackQuality().droppedVideoFrames : undefined)
const duration = () => totalDuration || (Number.isFinite(video.duration) ? video.duration : undefined)
const totals = () => ({
...at(), buffering_count: stalls, buffering_duration_ms: stalledMs, current_bitrate: bitrate,
resolution: seen(), dropped_frames: dropped(),
})
const timing = () => {
const entry = performance.getEntriesByName(resourceUrl || video.currentSrc).pop()
if (!entry || !entry.requestStart || !entry.responseStart) return {}
return { ttfb_ms: entry.responseStart - entry.startTime, cdn_response_time_ms: entry.responseStart - entry.requestStart }
}
const begin = () => {
if (begun) return
begun = true
pending = new Date().toISOString()
}
let late
const announce = now => {
begin()
if (!pending) return
const times = timing()
if (!now && !times.ttfb_ms) {
if (!late) late = setTimeout(quietly(() => announce(true)), 3000)
return
}
clearTimeout(late)
late = null
const link = navigator.connection || {}
resolution = seen()
emit('session_start', {
total_duration_seconds: duration(), ...times,
video_load_time_ms: loadedAt === undefined ? undefined : Math.max(0, loadedAt - loadFrom),
connection_type: link.type || link.effectiveType, effective_bandwidth: link.downlink, rtt_ms: link.rtt,
initial_bitrate: bitrate, initial_resolution: resolution,
}, pending)
pending = null
}
const clock = on => {
const now = performance.now()
if (playing) watched += now - playingSince
playing = on
playingSince = now
}
const endStall = () => {
if (!stall) return
const length = performance.now() - stall.since
if (!stall.ofJump) stalledMs += length
emit('buffering_end', { ...at(), duration_ms: length, bitrate_after: bitrate })
stall = null
}
const tellJump = () => {
if (jump && begun) emit('seek', { from_position: jump.from, to_position: video.currentTime }, jump.timestamp)
jump = null
}
const end = reason => {
if (!begun || ended) return
announce(true)
tellJump()
clock(false)
endStall()
emit('session_end', { ...totals(), watched_seconds: watched / 1000, reason })
ended = true
}
const milestones = () => {
const length = duration()
if (!length || !played) return
for (const percent of MILESTONES)
if (!reached.has(percent) && (video.currentTime / length) * 100 >= percent) {
reached.add(percent)
emit('milestone', { percent, ...at() })
}
}
const failed = (code, message, fatal, status) => {
if (ended) return
announce(true)
emit('error', { error_code: String(code).slice(0, 60), error_message: scrub(message), fatal, http_status: status, ...at() })
if (fatal) { clock(false); endStall() }
}
const changed = (toBitrate, reason) => {
const before = { bitrate, resolution }
bitrate = whole(toBitrate) || bitrate
resolution = seen() || resolution
if (!played || ended || (before.bitrate === bitrate && before.resolution === resolution)) return
emit('quality_change', {
...at(), from_bitrate: before.bitrate, to_bitrate: bitrate,
from_resolution: before.resolution, to_resolution: resolution, reason,
})
}
const waiting = () => {
if (!played || ended || stall || video.paused || video.ended) return
clock(false)
stall = { since: performance.now(), ofJump: Boolean(jump) }
if (!jump) stalls += 1
emit('buffering_start', { ...at(), bitrate_before: bitrate })
}
const heard = {
loadstart: () => { if (!begun) { loadFrom = performance.now(); loadedAt = undefined } },
canplay: () => { if (loadedAt === undefined) loadedAt = performance.now(); if (begun) announce() },
play: () => { if (ended) reset(); begin() },
playing: () => {
if (ended) return
announce()
const resumed = stall
endStall()
if (!resumed && !playing) emit('play', at())
played = true
clock(true)
},
waiting,
stalled: () => { if (video.readyState < 3) waiting() },
pause: () => {
if (!played || ended || video.ended) return
clock(false)
endStall()
emit('pause', at())
},
timeupdate: () => { if (!video.seeking) { position = video.currentTime; if (!ended) milestones() } },
seeking: () => { if (played && !ended && !jump) jump = { from: position, timestamp: new Date().toISOString() } },
seeked: () => { tellJump(); position = video.currentTime },
resize: () => changed(undefined, 'resolution'),
ended: () => { milestones(); end('completed') },
error: () => { const found = video.error; if (found) failed(NAMES[found.code] || 'MEDIA_ERR', found.message, true) },
}
const listeners = Object.entries(heard).map(([name, work]) => [name, quietly(work)])
listeners.forEach(([name, work]) => video.addEventListener(name, work))
const beat = setInterval(quietly(() => { if (playing && !ended) emit('heartbeat', totals()) }), BEAT)
const ofPlayer = quietly(() => {
if (!player || !player.on) return []
if (player.levels !== undefined || player.loadLevel !== undefined)
return [
['hlsLevelSwitched', (_, { level }) => changed((player.levels[level] || {}).bitrate, 'player')],
['hlsError', (_, d) => failed(d.details, d.error && d.error.message, Boolean(d.fatal), d.response && d.response.code || undefined)],
]
return [
['qualityChangeRendered', e => {
if (e.mediaType !== 'video') return
const now = e.newRepresentation || (player.getBitrateInfoListFor && player.getBitrateInfoListFor('video')[e.newQuality]) || {}
changed(now.bandwidth || now.bitrate, 'player')
}],
['error', e => failed((e.error && e.error.code) || 'DASH_ERROR', e.error && e.error.message, false)],
]
})() || []
const players = ofPlayer.map(([name, work]) => [name, quietly(work)])
players.forEach(quietly(([name, work]) => player.on(name, work)))
reset(sessionId)
if (!video.paused) begin()
return {
leave: quietly(() => end('abandoned')),
stop: quietly(() => {
end('abandoned')
clearInterval(beat)
listeners.forEach(([name, work]) => video.removeEventListener(name, work))
players.forEach(quietly(([name, work]) => player.off(name, work)))
}),
}
}
function createTelemetry({ endpoint, token, consent, appVersion, fetch: given }) {
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
window.createTelemetry = createTelemetry
})()
