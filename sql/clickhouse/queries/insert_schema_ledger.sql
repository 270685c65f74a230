INSERT INTO schema_ledger (item, checksum, at_change, how, applied_at)
SELECT row.1, row.2, row.3, row.4, fromUnixTimestamp64Micro({applied_at:Int64}, 'UTC')
FROM
(
    SELECT arrayJoin(arrayZip(
        {items:Array(String)}, {checksums:Array(String)}, {changes:Array(UInt32)}, {hows:Array(String)}
    )) AS row
)
