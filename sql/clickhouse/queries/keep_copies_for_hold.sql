-- Copies of a person whom another hold keeps now.
ALTER TABLE {held:Identifier}
UPDATE hold_id = {keeper:UUID} WHERE hold_id = {hold_id:UUID}
SETTINGS mutations_sync = 2;
