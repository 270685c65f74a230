-- A mark of the canary among the dead letters; its stream is the plant's name.
INSERT INTO privacy.dead_letters (
    kind, stream, entry_id, batch_id, event_id, received_at, org_id, actor_hash, key_epoch, consent_level, reason, attempts,
    body, created_at, failed_at
) VALUES (
    'canary', %(name)s, '0-1', '', '', clock_timestamp(), 'canary', '', 0, 0, 'unreadable', 1,
    %(word)s, clock_timestamp(), clock_timestamp()
)
