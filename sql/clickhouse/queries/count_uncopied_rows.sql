-- A held person's rows of one day from before a cut-off, and those of them that have no copy.
SELECT
    (
        SELECT count()
        FROM {table:Identifier}
        WHERE org_id = {org_id:String} AND {person:Identifier} IN (SELECT key FROM persons)
            AND {time:Identifier} < {cut_off:DateTime64(3, 'UTC')} AND toDate({time:Identifier}, 'UTC') = {day:Date}
    ) AS found,
    (
        SELECT count()
        FROM (
            SELECT {columns:Text}
            FROM {table:Identifier}
            WHERE org_id = {org_id:String} AND {person:Identifier} IN (SELECT key FROM persons)
                AND {time:Identifier} < {cut_off:DateTime64(3, 'UTC')} AND toDate({time:Identifier}, 'UTC') = {day:Date}
            EXCEPT ALL
            SELECT {columns:Text}
            FROM {held:Identifier}
            WHERE org_id = {org_id:String} AND toDate({time:Identifier}, 'UTC') = {day:Date}
                AND hold_id IN {holds:Array(UUID)}
        )
    ) AS uncopied;
