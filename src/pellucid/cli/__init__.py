"""Floor 9, the command `pellucid`.

The way of a call::

    main       reads the command line, runs a command, turns whatever goes wrong into one sentence
    columns, fit, predict, evaluate, explain, show, check, report    one file each, imported when it is called
    files      which files a command may read and write, checked before the work begins
    describe   models as plain values, for `--json`
    output     everything that is printed
    failures   from an exception to a sentence and an exit code
"""
