"""One process imports torch, transformers and pandas for all jobs of a run; each script goes on in a fork of it.

These imports take 4 CPU seconds in each job that trains, scores or merges: more than its work, if models are tiny. A
run on one machine has a server (`start`, called before the first job), which imports them when a script first asks. A
script asks by `hand_over`, before its own imports. The server forks, and the fork runs the script from its beginning,
with the script's arguments, folder, environment, terminal and ignored signals. The process that asked waits, passes
signals on, and ends as the fork ends: Snakemake sees no difference.

Only modules of others are imported in advance, so an edit of ours counts for the next job, as always. Only jobs with
one thread are forked: numerical libraries read the number of threads when they are loaded, and threads do not survive
a fork. Runs on a cluster, jobs with environments of their own, machines with a GPU and systems other than Linux have no
server: every script imports what it needs. A server in which a library has started a thread takes no script, which
then imports, too. GROWMERGE_FORK_SERVER=off in the environment of Snakemake does the same.

If the process that asked is killed, its fork is. If the server is, all forks are. The server ends after Snakemake and
the last fork.
"""

from __future__ import annotations

from growmerge.fork_server.protocol import FOLDER, OFF, SOCKET
from growmerge.fork_server.run import fork_of, start
from growmerge.fork_server.script import hand_over

__all__ = ["FOLDER", "OFF", "SOCKET", "fork_of", "hand_over", "start"]
