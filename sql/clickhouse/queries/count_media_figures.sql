-- What the reconciliation counts in the warehouse, one row: rows as they lie there, and distinct events.
SELECT
    (SELECT count() FROM media_events) AS media_rows,
    (SELECT uniqExact(org_id, event_id) FROM media_events) AS media_events,
    (SELECT count() FROM error_events) AS error_rows,
    (SELECT uniqExact(org_id, event_id) FROM error_events) AS error_events,
    (SELECT count() FROM consent_drops) AS drop_rows,
    (SELECT count() FROM media_sessions FINAL) AS sessions,
    (SELECT uniqExact(org_id, session_id) FROM media_events) AS sessions_with_events;
