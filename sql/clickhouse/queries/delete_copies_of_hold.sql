-- Copies that nothing keeps any more, rewritten away; the statement names nobody.
ALTER TABLE {held:Identifier}
DELETE WHERE hold_id = {hold_id:UUID}
SETTINGS mutations_sync = 2;
