-- Copies a held person's rows of one day, those that have no copy yet: rows are compared whole, so that this may be repeated.
-- One day, since what is compared with lies in memory. Only copies of holds in force count: those of a released one are about
-- to be deleted.
INSERT INTO {held:Identifier} ({columns:Text}, hold_id, copied_at)
SELECT {columns:Text}, {hold_id:UUID}, {now:DateTime64(3, 'UTC')}
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
);
