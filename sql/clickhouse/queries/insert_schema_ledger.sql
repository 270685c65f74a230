INSERT INTO schema_ledger (item, checksum, at_change, how, applied_at)
SELECT {item:String}, {checksum:String}, {at_change:UInt32}, {how:String}, fromUnixTimestamp64Micro({applied_at:Int64}, 'UTC')
