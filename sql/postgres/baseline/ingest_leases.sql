-- Who may drain. One row per lease; `fencing` rises with every change of holder and is checked in every commit, before
-- every ClickHouse insert and before every acknowledgement. All times are this server's: two machines whose clocks
-- disagree would otherwise both believe that they hold it.
CREATE TABLE ingest.leases (
    name        text        PRIMARY KEY,
    fencing     bigint      NOT NULL CHECK (fencing > 0),
    holder      text        NOT NULL,
    run_id      text        NOT NULL DEFAULT '',
    acquired_at timestamptz NOT NULL,
    renewed_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);
COMMENT ON TABLE ingest.leases IS 'Who may drain, until when, and under which fencing number.';
