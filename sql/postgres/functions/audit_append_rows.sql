-- Appends entries (an array of objects whose keys are columns; occurred_at in milliseconds since 1970 UTC) in the caller's
-- transaction. For `audit.append` and `audit.record` only: no role may execute it by itself.
--
-- Locks the head row: seq has no gaps, recorded_at never goes back and every hash is made of the one before, however many
-- append at once. Details go beside the row, which holds the digest of a random nonce and their text. An event_id that is in the trail for its tenant
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
    last_hash text;
BEGIN
    SELECT h.seq, h.recorded_at, h.row_hash INTO STRICT head FROM audit.head h FOR UPDATE;
    moment := greatest(head.recorded_at, clock_timestamp());
    IF NOT audit.has_partition('audit.audit_logs', moment) THEN
        PERFORM audit.ensure_partitions(1);
    END IF;

    WITH firsts AS MATERIALIZED (
        SELECT DISTINCT ON (e.org_id, e.event_id) e.*, e.details::jsonb AS body
        FROM audit.read_entries(entries) e ORDER BY e.org_id, e.event_id, e.place
    ), fresh AS MATERIALIZED (
        SELECT head.seq + row_number() OVER (ORDER BY f.place) AS seq, f.*,
            'epoch'::timestamptz + f.occurred_at * interval '1 millisecond' AS happened_at,
            -- Two random UUIDs: 32 bytes of which 244 bits are chance.
            CASE WHEN f.body IS NOT NULL THEN uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) END AS nonce
        FROM firsts f
        WHERE NOT EXISTS (
            SELECT FROM audit.event_index i WHERE i.org_id = f.org_id AND i.event_id = f.event_id
        )
    ), digested AS MATERIALIZED (
        SELECT f.*, encode(sha256(f.nonce || convert_to(f.body::text, 'UTF8')), 'hex') AS details_hash FROM fresh f
    ), hashed AS MATERIALIZED (
        SELECT d.*, audit.chain(head.row_hash, audit.canonical(
            d.seq, d.event_id, d.happened_at, moment, d.actor_hash, d.key_epoch, d.actor_type, d.org_id, d.action,
            d.resource_type, d.resource_id_hash, d.method, d.path, d.status_code, d.outcome, d.ip_truncated,
            d.country_code, d.region, d.device_type, d.details_hash
        )) OVER (ORDER BY d.seq) AS row_hash
        FROM digested d
    ), indexed AS (
        INSERT INTO audit.event_index (org_id, event_id, seq, recorded_at)
        SELECT f.org_id, f.event_id, f.seq, moment FROM fresh f
    ), detailed AS (
        INSERT INTO audit.details (seq, nonce, body) SELECT f.seq, f.nonce, f.body FROM fresh f WHERE f.body IS NOT NULL
    ), logged AS (
        INSERT INTO audit.audit_logs (
            seq, event_id, occurred_at, recorded_at, actor_hash, key_epoch, actor_type, org_id, action, resource_type,
            resource_id_hash, method, path, status_code, outcome, ip_truncated, country_code, region, device_type,
            details_hash, prev_hash, row_hash
        )
        SELECT
            h.seq, h.event_id, h.happened_at, moment, h.actor_hash, h.key_epoch, h.actor_type, h.org_id, h.action,
            h.resource_type, h.resource_id_hash, h.method, h.path, h.status_code, h.outcome, h.ip_truncated,
            h.country_code, h.region, h.device_type, h.details_hash,
            lag(h.row_hash, 1, head.row_hash) OVER (ORDER BY h.seq), h.row_hash
        FROM hashed h
    )
    SELECT count(*), coalesce((array_agg(h.row_hash ORDER BY h.seq DESC))[1], head.row_hash)
        INTO stored, last_hash FROM hashed h;

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

    UPDATE audit.head SET seq = last_seq, recorded_at = moment, row_hash = last_hash WHERE stored > 0;
END
$$;
