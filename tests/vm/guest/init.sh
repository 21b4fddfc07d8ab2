#!/bin/busybox sh
# The first program of the virtual machine. Makes a root out of the host's files, read-only, and a
# layer in memory that takes every change; ends the machine when the agent ends.
#
# /settings is made when the machine is started. It sets positional parameters: the manager, if any,
# the name, uid and home of an account, and the agent's command line.
#
# shellcheck shell=dash
set -eu
busybox=/bin/busybox
mount() { $busybox mount "$@"; }

while read -r module; do
  $busybox insmod "/modules/$module"
done </modules/order

$busybox mkdir /lower /layer /merged
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=1048576,cache=loose host /lower
mount -t tmpfs -o mode=755 layer /layer
$busybox mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/lower,upperdir=/layer/upper,workdir=/layer/work overlay /merged
cd /merged

# What the host has mounted in these places is not to be seen.
$busybox mkdir -p proc sys dev run
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate,memory_recursiveprot cgroup2 sys/fs/cgroup
mount -t devtmpfs -o nosuid devtmpfs dev
$busybox mkdir dev/pts dev/shm
$busybox ln -s /proc/self/fd dev/fd
$busybox ln -s /proc/self/fd/0 dev/stdin
$busybox ln -s /proc/self/fd/1 dev/stdout
$busybox ln -s /proc/self/fd/2 dev/stderr
mount -t devpts -o nosuid,noexec,gid=5,mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 shm dev/shm
mount -t tmpfs -o nosuid,nodev,mode=755 run run

# shellcheck source=/dev/null
. /settings
manager=$1 name=$2 uid=$3 home=$4
shift 4
echo "$name:x:$uid:$uid::$home:/bin/sh" >>etc/passwd
echo "$name:x:$uid:" >>etc/group
$busybox mkdir -p ".$home"
$busybox chown "$uid:$uid" ".$home"
$busybox chmod 700 ".$home"

echo blockyard-vm >proc/sys/kernel/hostname
echo '127.0.0.1 localhost blockyard-vm' >etc/hosts
$busybox tr -d - <proc/sys/kernel/random/uuid >etc/machine-id
$busybox ip link set lo up

if [ "$manager" = systemd ]; then
  # shellcheck source=tests/vm/guest/systemd.sh
  . /systemd.sh
fi

# As systemd has it; the kernel's own limit is 4096.
ulimit -Hn 524288

# The shell reaps what loses its parent. The agent has to be the last that the kernel would kill.
# shellcheck disable=SC2016 # for the other shell
exec $busybox switch_root /merged /bin/sh -c '
  echo -1000 >/proc/self/oom_score_adj
  DENO_DIR=/run/agent "$@" <>"/$0" >&0
  echo "the agent ended with exit code $?"
  /bin/busybox poweroff -f
' dev/vport*p1 "$@"
