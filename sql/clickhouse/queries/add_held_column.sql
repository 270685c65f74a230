-- A column that the table of the originals got later, at the same place.
ALTER TABLE {held:Identifier} ADD COLUMN IF NOT EXISTS {column:Text} {type:Text} AFTER {after:Text};
