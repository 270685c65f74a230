-- The days on which sessions stand, in every version that is still there: a fold that moves one changes two days.
SELECT DISTINCT toDate32(occurred_at) AS day
FROM media_sessions
WHERE session_id IN (SELECT toUUID(arrayJoin(splitByChar(',', {session_ids:Text}))));
