-- Parts of a table that a deletion replaced and that still lie on the disk; detached ones and those of backups are not seen.
SELECT count()
FROM system.parts
WHERE database = currentDatabase() AND table = {table:String} AND NOT active AND modification_time <= {mutated_at:DateTime};
