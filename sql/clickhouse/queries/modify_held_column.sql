-- A column whose type was changed in the table of the originals.
ALTER TABLE {held:Identifier} MODIFY COLUMN {column:Text} {type:Text};
