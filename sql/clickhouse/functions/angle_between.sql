-- The angle between two vectors of three numbers in degrees; NULL where one of them has no length.
CREATE OR REPLACE FUNCTION angle_between AS (a, b) ->
    if(
        L2Norm(a) = 0 OR L2Norm(b) = 0,
        NULL,
        degrees(acos(greatest(-1, least(1, dotProduct(a, b) / (L2Norm(a) * L2Norm(b))))))
    );
