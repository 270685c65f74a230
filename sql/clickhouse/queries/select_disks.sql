-- How much room each of the server's disks has.
SELECT name, free_space, total_space
FROM system.disks
ORDER BY name;
