-- A count as analysts see it: rounded down to fives, so that a difference of two does not tell of one person.
CREATE OR REPLACE FUNCTION shown_count AS (n) -> intDiv(n, 5) * 5;
