-- A mean or a share as analysts see it: NULL with fewer than five values behind it, which are fewer than five persons.
CREATE OR REPLACE FUNCTION shown_mean AS (total, n) -> if(n < 5, NULL, total / n);
