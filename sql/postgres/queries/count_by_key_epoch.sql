SELECT epoch, row_count FROM ops.count_by_key_epoch(%(table)s, %(column)s);
