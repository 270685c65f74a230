-- Appends entries (an array of objects whose keys are columns; occurred_at in milliseconds since 1970 UTC) in the caller's
-- transaction. For `audit.append` and `audit.record` only: no role may execute it by itself.
--
-- Locks the head row: seq has no gaps and recorded_at never goes back, however many append at once. Details go beside
-- the row, which holds the digest of a random nonce and their text. An event_id that is in the trail for its tenant
-- already is counted, not stored: `duplicate` when it says the same, `id_conflict` when not (times, address
-- and device may differ between two sendings; the pseudonym when its key has changed).
CREATE OR REPLACE FUNCTION audit.append_rows(
    entries jsonb, OUT stored bigint, OUT duplicate bigint, OUT id_conflict bigint, OUT last_seq bigint,
    OUT moment timestamptz
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    head record;
    total bigint;
BEGIN
    SELECT h.seq, h.recorded_at INTO STRICT head FROM audit.head h FOR UPDATE;
    moment := greatest(head.recorded_at, clock_timestamp());
    IF to_regclass('audit.audit_logs_' || to_char(moment AT TIME ZONE 'UTC', 'YYYY_MM')) IS NULL THEN
        PERFORM audit.ensure_partitions(1);
    END IF;

    WITH firsts AS MATERIALIZED (
        SELECT DISTINCT ON (e.org_id, e.event_id) e.*, e.details::jsonb AS body
        FROM audit.read_entries(entries) e ORDER BY e.org_id, e.event_id, e.place
    ), fresh AS MATERIALIZED (
        SELECT head.seq + row_number() OVER (ORDER BY f.place) AS seq, f.*,
            -- Two random UUIDs: 32 bytes of which 244 bits are chance.
            CASE WHEN f.body IS NOT NULL THEN uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) END AS nonce
        FROM firsts f
        WHERE NOT EXISTS (
            SELECT FROM audit.event_index i WHERE i.org_id = f.org_id AND i.event_id = f.event_id
        )
    ), indexed AS (
        INSERT INTO audit.event_index (org_id, event_id, seq, recorded_at)
        SELECT f.org_id, f.event_id, f.seq, moment FROM fresh f
    ), detailed AS (
        INSERT INTO audit.details (seq, nonce, body) SELECT f.seq, f.nonce, f.body FROM fresh f WHERE f.body IS NOT NULL
    ), logged AS (
        INSERT INTO audit.audit_logs (
            seq, event_id, occurred_at, recorded_at, actor_hash, key_epoch, actor_type, org_id, action, resource_type,
            resource_id_hash, method, path, status_code, outcome, ip_truncated, country_code, region, device_type,
            details_hash
        )
        SELECT
            f.seq, f.event_id, 'epoch'::timestamptz + f.occurred_at * interval '1 millisecond', moment, f.actor_hash,
            f.key_epoch, f.actor_type, f.org_id, f.action, f.resource_type, f.resource_id_hash, f.method, f.path,
            f.status_code, f.outcome, f.ip_truncated, f.country_code, f.region, f.device_type,
            encode(sha256(f.nonce || convert_to(f.body::text, 'UTF8')), 'hex')
        FROM fresh f
    )
    SELECT count(*) INTO stored FROM fresh;

    -- Now every entry's id is in the trail, and its first copy says what the others must say.
    SELECT count(*), count(*) FILTER (WHERE
        (e.org_id, e.actor_type, e.action, e.resource_type, e.resource_id_hash, e.method, e.path, e.status_code, e.outcome)
        IS DISTINCT FROM
        (l.org_id, l.actor_type, l.action, l.resource_type, l.resource_id_hash, l.method, l.path, l.status_code, l.outcome)
        OR (e.key_epoch = l.key_epoch AND e.actor_hash <> l.actor_hash)
        -- Details that have been redacted since say nothing any more.
        OR (e.details IS NULL) <> (l.details_hash IS NULL) OR e.details::jsonb <> d.body
    ) INTO total, id_conflict
    FROM audit.read_entries(entries) e
    JOIN audit.event_index i ON i.org_id = e.org_id AND i.event_id = e.event_id
    JOIN audit.audit_logs l ON l.recorded_at = i.recorded_at AND l.seq = i.seq
    LEFT JOIN audit.details d ON d.seq = i.seq;
    duplicate := total - stored - id_conflict;
    last_seq := head.seq + stored;

    UPDATE audit.head SET seq = last_seq, recorded_at = moment WHERE stored > 0;
END
$$;
