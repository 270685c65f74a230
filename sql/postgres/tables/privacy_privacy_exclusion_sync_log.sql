-- Every try to bring the exclusion list up to date, in the order of `sync_id` (only one runs at a time): how it ended, what
-- it changed, what was noticed. Counts and words of ours; no network and nothing that a server said.
CREATE TABLE privacy.privacy_exclusion_sync_log (
    sync_id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mode          text        NOT NULL CHECK (mode IN ('full', 'delta')),
    status        text        NOT NULL CHECK (status IN (
        'running', 'succeeded', 'suspicious_empty', 'suspicious_shrink', 'http_error', 'auth_error', 'bad_response',
        'timestamp_invalid', 'interrupted')),
    began_at      timestamptz NOT NULL,
    ended_at      timestamptz,
    accept_shrink boolean     NOT NULL,
    updates_after timestamptz,
    requests      integer     NOT NULL DEFAULT 0,
    http_status   smallint,
    error_code    text,
    received      integer     NOT NULL DEFAULT 0,
    ignored       integer     NOT NULL DEFAULT 0,
    refused       integer     NOT NULL DEFAULT 0,
    added         integer     NOT NULL DEFAULT 0,
    withdrawn     integer     NOT NULL DEFAULT 0,
    active        integer,
    warnings      jsonb       NOT NULL DEFAULT '{}',
    CONSTRAINT sync_ends CHECK ((status = 'running') = (ended_at IS NULL)),
    CONSTRAINT sync_ends_after_it_begins CHECK (ended_at >= began_at),
    CONSTRAINT failed_syncs_change_nothing CHECK (status = 'succeeded' OR (added = 0 AND withdrawn = 0))
);
CREATE INDEX exclusion_syncs_succeeded ON privacy.privacy_exclusion_sync_log (mode, sync_id) WHERE status = 'succeeded';
CREATE INDEX exclusion_syncs_began ON privacy.privacy_exclusion_sync_log (began_at);
COMMENT ON TABLE privacy.privacy_exclusion_sync_log IS 'Every try to bring the list of excluded networks up to date, and how it ended.';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.sync_id IS 'number; the newest that succeeded names the list in force';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.mode IS 'full: all of the list, which also shows withdrawals; delta: what was published since updates_after';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.status IS 'how it ended; all but succeeded leave the list as it was';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.began_at IS 'when it began';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.ended_at IS 'when it ended';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.accept_shrink IS 'whether somebody said that an empty or much smaller list is a true one';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.updates_after IS 'from which moment a delta asked: the newest entry in force, less the overlap';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.requests IS 'HTTP requests that it took';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.http_status IS 'status of the last answer; NULL when there was none';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.error_code IS 'the documented code of a refusal';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.received IS 'entries of the list that was sent';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.ignored IS 'of these, of types that we do not know';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.refused IS 'of these, too wide or unreadable: they should exclude somebody and do not';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.added IS 'networks that came into force';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.withdrawn IS 'networks that are not in force any more';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.active IS 'networks in force when it ended';
COMMENT ON COLUMN privacy.privacy_exclusion_sync_log.warnings IS 'what was noticed about entries: how many of each kind';

-- Retention's role removes what has expired and nothing else.
CREATE TRIGGER expired_only BEFORE DELETE ON privacy.privacy_exclusion_sync_log
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_early_removal();
ALTER TABLE privacy.privacy_exclusion_sync_log ENABLE ALWAYS TRIGGER expired_only;
