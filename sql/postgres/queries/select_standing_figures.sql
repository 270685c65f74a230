-- What the platform's metrics are made of, a row each: the metric without its prefix, the value of its one label (empty
-- without one), and the figure. Views of `standing` alone: the role that asks sees nothing else.
-- rollups, bases: each rollup's name and its base's.
WITH hour AS
(
    SELECT * FROM standing.batches WHERE closed_at > ops.now() - interval '1 hour'
),
due AS
(
    SELECT r.rollup, t.day, greatest(t.first_marked_at, b.built_at) AS since
    FROM unnest(%(rollups)s::text[], %(bases)s::text[]) AS r (rollup, base)
    JOIN standing.touched_days AS t ON t.table_name = r.base
    LEFT JOIN standing.rollup_days AS b ON b.rollup = r.rollup AND b.day = t.day
    WHERE b.mark IS NULL OR b.mark < t.mark
)
SELECT 'drain_lease_held', '', held::integer::double precision FROM standing.leases WHERE name = 'drain'
UNION ALL SELECT 'drain_silent_seconds', '', silent_seconds FROM standing.leases WHERE name = 'drain'
UNION ALL SELECT 'unfinished_batches', stream, sum(batches) FROM standing.unfinished GROUP BY stream
UNION ALL SELECT 'unfinished_batch_tries', stream, max(attempts) FROM standing.unfinished GROUP BY stream
UNION ALL SELECT 'unfinished_batch_seconds', stream, extract(epoch FROM ops.now() - min(since))
    FROM standing.unfinished GROUP BY stream
UNION ALL SELECT 'hour_events', o.outcome, sum(o.events)
    FROM hour AS h, LATERAL (VALUES ('stored', h.stored), ('duplicate', h.duplicate), ('id_conflict', h.id_conflict),
        ('too_late', h.too_late), ('erased', h.erased), ('dead_lettered', h.dead_lettered), ('missing', h.missing))
        AS o (outcome, events)
    GROUP BY o.outcome
UNION ALL SELECT 'hour_longest_wait_seconds', kind, max(waited_seconds) FROM hour GROUP BY kind
UNION ALL SELECT 'lost_entries', stream, missing FROM standing.lost_entries
UNION ALL SELECT 'intake_gap_entries', place, sum(missing) FROM standing.intake_gaps GROUP BY place
UNION ALL SELECT 'dead_letters_waiting', kind, sum(letters) FROM standing.dead_letters WHERE state = 'waiting' GROUP BY kind
UNION ALL SELECT 'retention_expired_rows', table_name, expired_rows FROM standing.retention
UNION ALL SELECT 'retention_stuck', table_name, (status IN ('stalled', 'failed'))::integer FROM standing.retention
UNION ALL SELECT 'retention_clean_age_seconds', table_name, extract(epoch FROM ops.now() - clean_at)
    FROM standing.retention WHERE clean_at IS NOT NULL
UNION ALL SELECT 'retention_run_age_seconds', '', extract(epoch FROM ops.now() - max(ended_at)) FROM standing.retention
    HAVING max(ended_at) IS NOT NULL
UNION ALL SELECT 'trail_rows', '', rows FROM standing.trail
UNION ALL SELECT 'trail_unverified_rows', '', unverified_rows FROM standing.trail
UNION ALL SELECT 'trail_whole', '', ok::integer FROM standing.trail WHERE ok IS NOT NULL
UNION ALL SELECT 'trail_verified_age_seconds', '', extract(epoch FROM ops.now() - verified_at)
    FROM standing.trail WHERE verified_at IS NOT NULL
UNION ALL SELECT 'trail_full_age_seconds', '', extract(epoch FROM ops.now() - full_at)
    FROM standing.trail WHERE full_at IS NOT NULL
UNION ALL SELECT 'exclusions_full_age_seconds', '', extract(epoch FROM ops.now() - max(ended_at))
    FROM standing.exclusion_syncs WHERE mode = 'full' AND status = 'succeeded' HAVING max(ended_at) IS NOT NULL
UNION ALL SELECT 'exclusion_failures', '', count(*) FROM standing.exclusion_syncs
    WHERE status NOT IN ('succeeded', 'running') AND began_at > ops.now() - interval '2 days'
UNION ALL SELECT 'erasures_open', status, sum(erasures) FROM standing.erasures WHERE status <> 'certified' GROUP BY status
UNION ALL SELECT 'erasure_oldest_seconds', '', coalesce(extract(epoch FROM ops.now() - min(oldest_at)), 0)
    FROM standing.erasures WHERE status NOT IN ('certified', 'held')
UNION ALL SELECT 'legal_holds', '', in_force FROM standing.holds
UNION ALL SELECT 'key_epoch_age_seconds', domain, extract(epoch FROM ops.now() - max(active_from))
    FROM standing.keys WHERE active_from <= ops.now() GROUP BY domain
UNION ALL SELECT 'rollup_days_due', rollup, count(due.day) FROM unnest(%(rollups)s::text[]) AS r (rollup)
    LEFT JOIN due USING (rollup) GROUP BY rollup
UNION ALL SELECT 'rollup_due_seconds', rollup, coalesce(extract(epoch FROM ops.now() - min(due.since)), 0)
    FROM unnest(%(rollups)s::text[]) AS r (rollup) LEFT JOIN due USING (rollup) GROUP BY rollup
