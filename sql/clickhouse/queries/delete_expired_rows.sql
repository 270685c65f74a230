-- Rewrites away what has expired of one partition; whoever asks looks afterwards whether it has happened.
ALTER TABLE {table:Identifier}
DELETE IN PARTITION ID {partition:String} WHERE {time:Identifier} < {cut_off:DateTime64(3, 'UTC')}
SETTINGS mutations_sync = 0;
