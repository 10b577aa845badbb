#!/bin/busybox sh
# The only program of a test guest besides its agent. The kernel passes what it does not know of its
# command line on as environment: `address` (with prefix length) and `gateway`, the latter pinged
# once a second.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in /modules/*.ko; do
    insmod "$module"
done

mkdir -p /dev/virtio-ports
for port in /sys/class/virtio-ports/*; do
    ln -s "../${port##*/}" "/dev/virtio-ports/$(cat "$port/name")"
done

qemu-ga --method=virtio-serial --path=/dev/virtio-ports/org.qemu.guest_agent.0 --statedir=/run &

ip link set lo up
ip address add "$address" dev eth0
ip link set eth0 up
mke2fs -q /dev/vda && mount -t ext4 /dev/vda /data
echo "guest is up"

# Activity that moves every counter: packets both ways, reads past the page cache, writes to the
# disk.
ping -q "$gateway" >/dev/null 2>&1 &
while :; do
    dd if=/dev/vda of=/dev/null bs=64k count=8 iflag=direct 2>/dev/null
    dd if=/dev/zero of=/data/written bs=4k count=16 conv=fsync 2>/dev/null
    sleep 1
done
