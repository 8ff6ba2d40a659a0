#!/usr/bin/env bash
# Runs a command beside a real Slurm of one node: installs Debian's packages if they are missing (root, apt), starts MariaDB,
# munged, slurmdbd, slurmctld and slurmd in a folder of their own, and ends them when the command has ended. A MariaDB or a
# munge key that the machine has stays untouched; a machine with a Slurm of its own is refused, since steps of a job find
# their controller through /etc/slurm alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export PATH=$PATH:/usr/sbin:/sbin

install_packages() {
  echo 'Installing slurm-wlm, slurmdbd, munge and mariadb-server'
  # Keeps the packages from starting daemons of their own.
  local policy=/usr/sbin/policy-rc.d made=''
  if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' >$policy; chmod +x $policy; made=$policy; fi
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm slurmdbd munge mariadb-server; } \
    &>"$state/apt.log" || { tail -20 "$state/apt.log" >&2; exit 1; }
  [ -z "$made" ] || rm "$made"
}

wait_for() {
  local deadline=$((SECONDS + 60))
  while [ $SECONDS -lt $deadline ]; do timeout 10 "$@" &>/dev/null && return; sleep 0.2; done
  echo "gave up waiting for: $*" >&2
  tail -n 20 "$state"/*.log >&2
  return 1
}

stop() {
  trap - EXIT
  timeout 10 scancel --signal=KILL --full --user=root 2>/dev/null || true
  # One after the other: each writes to the next while it ends.
  for daemon in slurmd slurmctld slurmdbd munged mariadb; do
    [ -s "$state/$daemon.pid" ] || continue
    pid=$(cat "$state/$daemon.pid")
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 50); do [ "$(ps -o stat= -p "$pid" | head -c 1)" != Z ] && kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
  done
  rm -rf "$state" /etc/slurm/{slurm,gres,slurmdbd}.conf
}

[ "$(id -u)" -eq 0 ] || { echo 'A Slurm of its own needs root' >&2; exit 1; }
# The file of a run that was killed stays behind, and makes every Snakemake wait for a controller for ten seconds.
if [ -e /etc/slurm/slurm.conf ] && { ! grep -q '^ClusterName=etalon$' /etc/slurm/slurm.conf || pgrep -x slurmctld >/dev/null; }; then
  echo 'This machine has a Slurm of its own: /etc/slurm/slurm.conf' >&2
  exit 1
fi
state=$(mktemp -d /tmp/etalon-slurm-XXXX)
chmod 755 "$state"
trap stop EXIT
for program in slurmctld slurmd slurmdbd munged mariadbd; do
  command -v $program >/dev/null || { install_packages; break; }
done

mkdir -p /etc/slurm "$state/ctld" "$state/slurmd" "$state/mariadb"
memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
for file in slurm gres slurmdbd; do
  sed -e "s|@NODE@|$(hostname -s)|g; s|@MEMORY@|$memory|g; s|@STATE@|$state|g" "$here/$file.conf.in" \
    >"/etc/slurm/$file.conf"
done
chmod 600 /etc/slurm/slurmdbd.conf

chown mysql: "$state/mariadb"
mariadb-install-db --user=mysql --datadir="$state/mariadb" --skip-test-db --auth-root-authentication-method=normal \
  &>"$state/mariadb-install.log"
mariadbd --no-defaults --user=mysql --datadir="$state/mariadb" --bind-address=127.0.0.1 --port=16820 \
  --socket="$state/mariadb/socket" --pid-file="$state/mariadb/pid" --innodb-flush-log-at-trx-commit=0 \
  --innodb-lock-wait-timeout=900 &>"$state/mariadb.log" &
echo $! >"$state/mariadb.pid"
head -c 1024 /dev/urandom >"$state/munge.key"
chmod 400 "$state/munge.key"
munged --force --key-file="$state/munge.key" --socket="$state/munge.socket" --pid-file="$state/munged.pid" \
  --log-file="$state/munged.log" --seed-file="$state/munge.seed"
wait_for mariadb --no-defaults --socket="$state/mariadb/socket" -e 'SELECT 1'
slurmdbd
wait_for sacctmgr -n show cluster
sacctmgr -ni add cluster etalon >/dev/null
sacctmgr -ni add account lab Description=lab Organization=lab >/dev/null
sacctmgr -ni add user root Account=lab DefaultAccount=lab AdminLevel=Administrator >/dev/null
slurmctld -c
wait_for scontrol ping
slurmd
wait_for bash -c 'sinfo -h -o %T | grep -q idle'
echo "Slurm is up after $SECONDS s"
sinfo -o '%P %T %c %m %G'
"$@"
