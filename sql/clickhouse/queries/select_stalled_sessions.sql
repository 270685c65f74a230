-- Which of some sessions have a stall in their events: most have none, and need no pairing.
SELECT DISTINCT toString(session_id) AS session_id
FROM media_events
WHERE session_id IN (SELECT toUUID(arrayJoin(splitByChar(',', {session_ids:Text}))))
    AND occurred_at >= {since:DateTime64(3, 'UTC')}
    AND event IN ('buffering_start', 'buffering_end')
ORDER BY session_id;
