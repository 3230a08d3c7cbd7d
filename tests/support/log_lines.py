"""Log lines: what they look like, and all that any logger says."""

import re

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
LINE = re.compile(rf'{TIME} (DEBUG|INFO|WARNING|ERROR|CRITICAL) +\w+( \w+=([^\s"=]+|"(\\.|[^"\\])*"))*')


FORGED = "2030-01-01T00:00:00.000Z ERROR   own_fault watched=3"
