-- Stored rows of other batches with one of these ids in its tenant, with the columns that a re-sent event must agree in.
--
-- events: keys as in tenant_keys. Clients choose the ids: looked for in all tenants, one could keep another's event out.
-- Left out are the columns in which an honest re-send differs: another time of receipt (and with it a corrected time),
-- another address after a change of network, another epoch of a person without a session. What is left is what the
-- event says, and whose tenant's it is. Rows of the same batch are no answer: they are this very insert, tried before.
-- The ids alone come first: nearly no row has one of them, and comparing pairs of id and tenant reads a text for each
-- (5,000 ids in 10 million rows: 273 ms for the pairs alone, 114 ms so).
SELECT
    toString(event_id) AS event_id,
    * EXCEPT (
        event_id, occurred_at, received_at, ingested_at, skewed, actor_hash, key_epoch, ip_truncated, country_code,
        region, device_type, browser_family, os_family, is_bot, consent_level, batch_id
    )
FROM {table:Identifier} AS stored
PREWHERE stored.event_id IN (SELECT toUUID(left(key, 36)) FROM events)
WHERE (stored.event_id, org_id) IN (SELECT toUUID(left(key, 36)), unhex(substring(key, 37)) FROM events)
    AND {time:Identifier} >= {since:DateTime64(3, 'UTC')}
    AND batch_id != {batch_id:String}
ORDER BY received_at, ingested_at
LIMIT 1 BY org_id, event_id;
