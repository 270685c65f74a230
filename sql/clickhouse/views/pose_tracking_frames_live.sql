-- What people may see of pose_tracking_frames: nothing that has expired, whether or not it was removed.
CREATE OR REPLACE VIEW pose_tracking_frames_live AS
SELECT *
FROM pose_tracking_frames
WHERE occurred_at >= telemetry_now() - toIntervalMonth(6);
