-- The clock of a demo that travelled: so many milliseconds ahead of the real one.
CREATE OR REPLACE FUNCTION telemetry_now AS () -> now64(3, 'UTC') + toIntervalMillisecond({ahead_ms:Int64})
