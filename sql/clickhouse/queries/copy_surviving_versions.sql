-- The same of a table whose rows are versions: see delete_expired_versions.
INSERT INTO {survivors:Identifier}
SELECT *
FROM {table:Identifier}
WHERE _partition_id = {partition:String} AND {time:Identifier} >= {cut_off:DateTime64(3, 'UTC')}
    AND NOT (
        ({first:Identifier}, {second:Identifier}, {third:Identifier}) IN (
            SELECT {first:Identifier}, {second:Identifier}, {third:Identifier}
            FROM {table:Identifier}
            WHERE {time:Identifier} < {cut_off:DateTime64(3, 'UTC')}
        )
        AND ({first:Identifier}, {second:Identifier}, {third:Identifier}) NOT IN (
            SELECT {first:Identifier}, {second:Identifier}, {third:Identifier}
            FROM {table:Identifier} FINAL
            WHERE {time:Identifier} >= {cut_off:DateTime64(3, 'UTC')}
        )
    )
SETTINGS insert_deduplicate = 0;
