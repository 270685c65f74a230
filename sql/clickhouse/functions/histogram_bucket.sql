-- The bucket of a duration in milliseconds: 0 below 1 ms, then 8 an octave (bucket b ends at 2^(b/8) ms), 161 from
-- 2^20 ms on. Fixed for ever: stored histograms are added up across days and releases.
CREATE OR REPLACE FUNCTION histogram_bucket AS (ms) ->
    multiIf(ms < 1, 0, ms >= 1048576, 161, least(160, 1 + toUInt8(floor(8 * log2(greatest(ms, 1))))));
