# Hands the virtual machine over to systemd, which starts the agent as a service, and ends the
# machine with it. Sourced by init.sh, in the new root.
#
# shellcheck shell=dash disable=SC2154 # busybox is set there
units=run/systemd/system
$busybox mkdir -p $units run/systemd/system-generators

# A sign that the host is a container is none of the machine.
$busybox rm -f .dockerenv

# Of what is started early, the journal is enough. The rest takes time, looks for hardware, or is of
# the host.
for unit in lib/systemd/system/sysinit.target.wants/* etc/systemd/system/sysinit.target.wants/* \
  lib/systemd/system/local-fs.target.wants/* etc/systemd/system/local-fs.target.wants/*; do
  case $unit in
    */systemd-journald.service | *'/*') ;;
    *) $busybox ln -sf /dev/null "$units/${unit##*/}" ;;
  esac
done
for generator in lib/systemd/system-generators/*; do
  $busybox ln -s /dev/null "run/systemd/system-generators/${generator##*/}"
done

$busybox cp /settings run/settings
$busybox cat >run/agent.sh <<'END'
. /run/settings
shift 4
DENO_DIR=/run/agent exec "$@" <>"$(echo /dev/vport*p1)" >&0
END
$busybox cat >$units/agent.service <<'END'
[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
ExecStart=/bin/sh /run/agent.sh
OOMScoreAdjust=-1000
END

exec $busybox switch_root /merged /lib/systemd/systemd --unit=agent.service --show-status=no
