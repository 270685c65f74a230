-- Rows of a sweep's persons from before their erasure, also superseded versions, with their days in UTC.
SELECT org_id, {column:Identifier} AS person, count() AS found, groupUniqArray(toDate({time:Identifier}, 'UTC')) AS days
FROM {table:Identifier}
WHERE (org_id, {column:Identifier}) IN (SELECT org_id, actor_hash FROM erasure_scratch WHERE sweep_id = {sweep_id:UUID})
    AND least(received_at, {time:Identifier}) <= {erased_at:DateTime64(3, 'UTC')}
GROUP BY org_id, person;
