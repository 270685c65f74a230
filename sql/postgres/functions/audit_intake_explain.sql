-- Says once why a gap will not close; whether there was such a gap, open and unexplained.
CREATE OR REPLACE FUNCTION audit.intake_explain(gap bigint, who text, why text, moment timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE audit.intake_gaps g SET explained_at = moment, explained_by = who, explanation = why
    WHERE g.gap_id = gap AND g.closed_at IS NULL AND g.explained_at IS NULL;
    RETURN FOUND;
END
$$;
