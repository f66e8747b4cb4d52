# In: `+ <pid>` for a process that was started, `- <pid>` for one that has ended. When the input ends, so does what is left.
# A Ctrl-C is meant for the test, whose end is noticed here.
trap '' INT
pids=
while read -r what pid; do
    case $what in
    +) pids="$pids $pid" ;;
    -)
        left=
        for one in $pids; do
            [ "$one" = "$pid" ] || left="$left $one"
        done
        pids=$left
        ;;
    esac
done
[ -z "$pids" ] || kill -9 $pids
