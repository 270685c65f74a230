-- When the row at a place of the trail, or the last one before it, was recorded: the trail is in order of both, and its
-- partitions and indexes know the time.
SELECT i.recorded_at FROM audit.event_index AS i WHERE i.seq <= %(seq)s ORDER BY i.seq DESC LIMIT 1;
