-- A gap was noticed once and for all: what becomes of it is added, and its row goes when the trail of its time has gone.
-- For everybody, the owner included.
CREATE OR REPLACE FUNCTION audit.intake_keep_evidence() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'audit.intake_gaps keeps what was noticed: it is not emptied' USING ERRCODE = 'TL002';
    ELSIF TG_OP = 'DELETE' THEN
        -- Calendar years, as the law has them: 45 CFR 164.316(b)(2)(i).
        IF OLD.noticed_at >= ops.now() - interval '6 years' OR (OLD.closed_at IS NULL AND OLD.explained_at IS NULL) THEN
            RAISE EXCEPTION 'a gap is kept for six years at least, and for as long as nobody has explained it'
                USING ERRCODE = 'TL002';
        END IF;
        RETURN OLD;
    ELSIF (NEW.gap_id, NEW.origin, NEW.place, NEW.producer, NEW.first_missing, NEW.last_missing, NEW.noticed_at)
        IS DISTINCT FROM
        (OLD.gap_id, OLD.origin, OLD.place, OLD.producer, OLD.first_missing, OLD.last_missing, OLD.noticed_at)
        OR NOT OLD.missing @> NEW.missing
        OR (OLD.closed_at IS NOT NULL AND NEW.closed_at IS DISTINCT FROM OLD.closed_at)
        OR (OLD.explained_at IS NOT NULL AND (NEW.explained_at, NEW.explained_by, NEW.explanation)
            IS DISTINCT FROM (OLD.explained_at, OLD.explained_by, OLD.explanation))
    THEN
        RAISE EXCEPTION 'what was noticed of a gap is not changed: only what came late and its explanation are added'
            USING ERRCODE = 'TL002';
    END IF;
    RETURN NEW;
END
$$;
