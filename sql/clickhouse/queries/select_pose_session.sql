-- One exercise session of a tenant, without who had it.
SELECT * EXCEPT (org_id, actor_hash, key_epoch, received_at)
FROM pose_sessions
WHERE org_id = {org:String} AND session_id = {session:UUID}
    AND started_at >= telemetry_now() - toIntervalMonth(6);
