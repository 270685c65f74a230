SELECT ops.count_rows(%(table)s);
