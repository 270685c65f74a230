// Tells one view of one video as media events: what the viewer lived through, from the element itself.
// A view begins when playback is asked for. Waiting before the first frame is startup, waiting after a jump is the
// jump's, all other waiting is a stall and counted.
import { quietly, uuid } from './sender.js'

const BEAT = 10000
const MILESTONES = [25, 50, 75, 95]
const NAMES = { 1: 'MEDIA_ERR_ABORTED', 2: 'MEDIA_ERR_NETWORK', 3: 'MEDIA_ERR_DECODE', 4: 'MEDIA_ERR_SRC_NOT_SUPPORTED' }

// Query strings, addresses of persons and long numbers say who, not what.
export const scrub = text =>
  String(text || '').replace(/[?#]\S*/g, '').replace(/\S+@\S+/g, ':mail').replace(/\d{6,}/g, ':number').slice(0, 1000)

const whole = value => (Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined)

export function trackVideo(video, { mediaId, mediaType = 'video', sessionId, player, totalDuration, resourceUrl }, push) {
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
  // Resource timing shows a foreign server's times only where Timing-Allow-Origin lets it.
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
  // session_start carries what is known only later, so it is told late, with the time at which it was. A browser tells the
  // times of a file once all of it has come: they are waited for as long as that does not take long.
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
