-- Security events are append-only, but for one thing: an erasure takes the person out of them (`security.unlink`). What
-- that may change is checked row by row here, and who asks for it by the call stack: no role, the owner neither, changes
-- a row in any other way.
CREATE OR REPLACE FUNCTION security.refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stack text;
BEGIN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    -- From its beginning, with the text of the statement to the letter: that is part of the stack, and anybody can write the
    -- name of a function into a comment.
    IF TG_OP = 'UPDATE' AND stack ~ ('^PL/pgSQL function security\.refuse_change\(\) line \d+ at GET DIAGNOSTICS\n'
        'SQL statement "UPDATE security\.security_events e\s+'
        'SET actor_hash = '''', key_epoch = 0, address_hash = NULL, address_key_epoch = NULL\s+'
        'WHERE e\.org_id = of_org AND e\.actor_hash = ANY \(persons\) '
        'AND least\(e\.recorded_at, e\.occurred_at\) <= moment"\n'
        'PL/pgSQL function security\.unlink\(text,text\[\],timestamp with time zone\) line \d+ at SQL statement(\n|$)')
    THEN
        IF TG_LEVEL = 'STATEMENT' THEN
            RETURN NULL;
        END IF;
        IF to_jsonb(NEW) = to_jsonb(OLD) || jsonb_build_object(
            'actor_hash', '', 'key_epoch', 0, 'address_hash', NULL, 'address_key_epoch', NULL
        ) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '%.% is append-only: % is refused for every role', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'TL002';
END
$$;
