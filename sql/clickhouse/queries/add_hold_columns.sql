-- Why and since when a copy is kept.
ALTER TABLE {held:Identifier}
    ADD COLUMN IF NOT EXISTS hold_id UUID COMMENT 'the legal hold that the copy is kept for',
    ADD COLUMN IF NOT EXISTS copied_at DateTime64(3, 'UTC') COMMENT 'when it was copied, before its table''s retention deleted the row';
