-- Puts the survivors in the place of the whole partition, at once; needs no merge. {source:Name}: see make_survivors.
ALTER TABLE {table:Identifier} REPLACE PARTITION ID {partition:String} FROM {source:Name};
