# The first process of private PID, mount, network and host name namespaces with a libvirtd in it. Argument: a
# private folder. Lives until its standard input ends, thus no longer than the test that started it;
# then the kernel ends every process of the namespace and forgets its mounts, bridges and taps. It
# must be bash, which reaps the QEMU processes that libvirtd has made daemons: libvirtd takes one
# that nobody has reaped for one that still runs.
set -eu
dir=$1
for place in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt /run; do
    mount --bind "$dir$place" "$place"
done
# The network devices of this namespace, not those of the machine.
mount -t sysfs sysfs /sys

# Guests migrate only between hosts of different names.
echo "${dir##*/}" >/proc/sys/kernel/hostname

ip link set lo up
ip link add nephoscope0 type bridge
ip address add 198.18.0.1/16 dev nephoscope0
ip link set nephoscope0 up

# Another one, by hand: virtqemud is the same daemon with another socket, and QEMU's driver alone.
program=${NEPHOSCOPE_LIBVIRTD:-libvirtd}
case $program in
*virtqemud)
    mkdir /run/libvirt
    ln -s virtqemud-sock /run/libvirt/libvirt-sock
    ln -s virtqemud-sock-ro /run/libvirt/libvirt-sock-ro
    ;;
esac

start() {
    "$program" --config /etc/libvirt/libvirtd.conf --pid-file /run/libvirtd.pid &
    daemon=$!
}
end() {
    kill "-$1" "$daemon" 2>/dev/null || true
    wait "$daemon" || true
}

start
while read -r request; do
    case $request in
    start) start ;;
    stop) end TERM ;;
    kill) end KILL ;;
    esac
    echo "$request"
done
end TERM
rm -rf "$dir"
