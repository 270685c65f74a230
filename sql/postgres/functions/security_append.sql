-- The only way into the security events. Appends the entries of one batch (an array of objects whose keys are columns;
-- occurred_at in milliseconds since 1970 UTC, details the text of one JSON object) in the caller's transaction, so that
-- rows and the caller's own record of the batch commit together or not at all: a batch is never brought twice.
--
-- One append at a time, so that two cannot both find an event missing. An event_id that its tenant has already is
-- counted, not stored: `duplicate` when it says the same, `id_conflict` when not (times, address and agent may differ
-- between two sendings; the pseudonyms when their keys have changed).
CREATE OR REPLACE FUNCTION security.append(
    entries jsonb, stream text, batch_id text, fencing bigint,
    OUT stored bigint, OUT duplicate bigint, OUT id_conflict bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz;
    total bigint;
BEGIN
    IF jsonb_typeof(entries) IS DISTINCT FROM 'array' OR stream IS NULL OR batch_id IS NULL OR fencing IS NULL THEN
        RAISE EXCEPTION 'security.append takes an array of entries, a stream, a batch and a fencing number'
            USING ERRCODE = 'TL003';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('security.append'));
    -- Shared lock: the lease cannot change hands before this transaction has ended.
    PERFORM FROM ingest.leases l
        WHERE l.name = 'drain' AND l.fencing = append.fencing AND l.expires_at > clock_timestamp() FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the lease of this drain has expired or was taken over: it must stop' USING ERRCODE = 'TL001';
    END IF;

    moment := clock_timestamp();
    IF NOT audit.has_partition('security.security_events', moment) THEN
        PERFORM security.ensure_partitions(1);
    END IF;

    WITH firsts AS MATERIALIZED (
        SELECT DISTINCT ON (e.org_id, e.event_id) e.*
        FROM security.read_entries(entries) e ORDER BY e.org_id, e.event_id, e.place
    ), fresh AS MATERIALIZED (
        SELECT f.* FROM firsts f
        WHERE NOT EXISTS (
            SELECT FROM security.event_index i WHERE i.org_id = f.org_id AND i.event_id = f.event_id
        )
    ), indexed AS (
        INSERT INTO security.event_index (org_id, event_id, recorded_at)
        SELECT f.org_id, f.event_id, moment FROM fresh f
    ), logged AS (
        INSERT INTO security.security_events (
            event_id, occurred_at, recorded_at, org_id, type, severity, rule_id, method, path, details, actor_hash,
            key_epoch, ip_truncated, address_hash, address_key_epoch, country_code, user_agent_family
        )
        SELECT
            f.event_id, 'epoch'::timestamptz + f.occurred_at * interval '1 millisecond', moment, f.org_id, f.type,
            f.severity, f.rule_id, f.method, f.path, f.details::jsonb, f.actor_hash, f.key_epoch, f.ip_truncated,
            f.address_hash, f.address_key_epoch, f.country_code, f.user_agent_family
        FROM fresh f
    )
    SELECT count(*) INTO stored FROM fresh;

    -- Now every entry's event is there, and its first copy says what the others must say.
    SELECT count(*), count(*) FILTER (WHERE
        (e.type, e.severity, e.rule_id, e.method, e.path, e.details::jsonb)
        IS DISTINCT FROM (s.type, s.severity, s.rule_id, s.method, s.path, s.details)
        OR (e.key_epoch = s.key_epoch AND e.actor_hash <> s.actor_hash)
    ) INTO total, id_conflict
    FROM security.read_entries(entries) e
    JOIN security.event_index i ON i.org_id = e.org_id AND i.event_id = e.event_id
    JOIN security.security_events s
        ON s.recorded_at = i.recorded_at AND s.org_id = i.org_id AND s.event_id = i.event_id;
    duplicate := total - stored - id_conflict;
END
$$;
