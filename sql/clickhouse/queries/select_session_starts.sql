-- When the sessions of a batch began, as other batches have stored it: what comes more than a day later is refused.
--
-- Read from the event log, not from the folded sessions: those may hold this very batch, tried before, and then a second try
-- would refuse what the first one has stored.
SELECT toString(session_id) AS session_id, org_id, min(occurred_at) AS started_at
FROM media_events AS stored
WHERE (stored.session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}))
    AND event = 'session_start'
    AND occurred_at < {before:DateTime64(3, 'UTC')}
    AND batch_id != {batch_id:String}
GROUP BY stored.session_id, org_id;
