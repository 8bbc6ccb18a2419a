"""Tables: from a file or data frame to float32 arrays and back.

The way of a table::

    reading.read_table      a path, stream, data frame or dict -> Table
    targets.read_target     which rows have a target, the task, classes
    encoding.TableEncoding  roles of the columns, statistics of training rows, features
    target_encoding.TargetEncoding  standardised targets or class indices, and back
"""
