-- The warehouse's own clock.
SELECT now64(3, 'UTC');
