-- The platform's clock in ClickHouse. A view is made with the function's text in it, not with its name: whoever moves the
-- clock (`telemetry travel`, on a demo) makes the views anew as well.
CREATE OR REPLACE FUNCTION telemetry_now AS () -> now64(3, 'UTC');
