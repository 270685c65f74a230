-- The same of a table whose rows are versions: of a row whose newest version has expired all of them go, also one whose time
-- is later, which would otherwise be the newest from then on. `first` to `third` identify a row. FINAL does not show rows
-- that were taken back: nothing of those may stay either.
ALTER TABLE {table:Identifier}
DELETE IN PARTITION ID {partition:String}
WHERE {time:Identifier} < {cut_off:DateTime64(3, 'UTC')}
    OR (
        ({first:Identifier}, {second:Identifier}, {third:Identifier}) IN (
            SELECT {first:Identifier}, {second:Identifier}, {third:Identifier}
            FROM {table:Identifier}
            WHERE {time:Identifier} < {cut_off:DateTime64(3, 'UTC')}
        )
        AND ({first:Identifier}, {second:Identifier}, {third:Identifier}) NOT IN (
            SELECT {first:Identifier}, {second:Identifier}, {third:Identifier}
            FROM {table:Identifier} FINAL
            WHERE {time:Identifier} >= {cut_off:DateTime64(3, 'UTC')}
                AND ({first:Identifier}, {second:Identifier}, {third:Identifier}) IN (
                    SELECT {first:Identifier}, {second:Identifier}, {third:Identifier}
                    FROM {table:Identifier}
                    WHERE {time:Identifier} < {cut_off:DateTime64(3, 'UTC')}
                )
        )
    )
SETTINGS mutations_sync = 0;
