# The guard of a nats-server, which is started by the arguments. It leads a process group of its own.
#
# In: a pipe that nobody writes to; it ends when the program that holds its other end does, however that happens.
# Out: `pid <n>` once the server was started, and `ended <status>` when it ended.
#
# Everything ends by `kill -9 0`: the whole group at once, by no number that could meanwhile be another process's.

# A request to end goes to the whole group; it is meant for the server, which asks for the signal itself.
trap '' TERM
(
    "$@" </dev/null >&2 &
    echo "pid $!"
    wait $!
    echo "ended $?"
    kill -9 0
) &
# From here on only the part above holds the pipe: that it ends without `ended` tells that this part was killed.
exec >/dev/null
read -r _
kill -9 0
