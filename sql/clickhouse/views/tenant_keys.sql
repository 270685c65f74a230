-- A list of keys as rows: the id that a client chose (`id`) and the tenant in which it means something (`org_id`).
--
-- keys: joined by commas; each is the id's 36 characters and the tenant's bytes in hex. Ids are unique within a tenant
--   only, since clients make them: whoever looks for one asks for both, or finds another tenant's.
CREATE OR REPLACE VIEW tenant_keys AS
SELECT
    toUUID(left(key, 36)) AS id,
    unhex(substring(key, 37)) AS org_id
FROM
(
    SELECT arrayJoin(splitByChar(',', {keys:String})) AS key
);
