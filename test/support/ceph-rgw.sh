#!/bin/bash
# Starts a Ceph cluster of one in memory with its S3 gateway: ceph-rgw.sh FOLDER GATEWAY_PORT MONITOR_PORT USERS
# USERS: lines of "name access-key secret-key". Says "ready" on standard output once it answers; lives as long as
# standard input stays open, then kills what it started (an orderly stop sometimes hangs) and removes FOLDER.
D=$1 P=$2 M=$3 USERS=$4
pids=()
exec 3>&2
stop() { kill -9 "${pids[@]}" 2>/dev/null; wait 2>/dev/null; rm -rf "$D"; }
trap stop EXIT
# Starts a daemon, and again when it ends while it comes up, as it does now and then on a busy machine: start CHECK COMMAND…
start() {
  local check=$1 tries=0 pid; shift
  "$@" & pid=$!; pids+=($pid)
  until eval "$check"; do
    [ $SECONDS -lt 360 ] || fail "$1 in time"
    if ! kill -0 "$pid"; then
      wait "$pid"; echo "$1 ended with $? while it came up" >&2
      tries=$((tries + 1)); [ $tries -lt 5 ] || fail "$1"
      "$@" & pid=$!; pids+=($pid)
    fi
    sleep .2
  done
}
fail() { { tail -n 20 "$D/err.log"; echo "failed: $1"; } >&3; exit 1; }
mkdir -p "$D/mon" "$D/osd"; F=$(cat /proc/sys/kernel/random/uuid); O=$(cat /proc/sys/kernel/random/uuid)
export CEPH_CONF=$D/c; : >"$D/keyring"
cat >"$D/c" <<C
[global]
fsid = $F
mon host = [v1:127.0.0.1:$M]
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 2
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
public addr = 127.0.0.1
ms bind msgr2 = false
run dir = $D
log file = $D/\$name.log
mon data = $D/mon
osd data = $D/osd
osd objectstore = memstore
memstore device bytes = 8589934592
keyring = $D/keyring
rgw multipart min part size = 65536
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = key-1=YmluCmJvb3N0CmJvb3N0LWJ1aWxkCmNlcGguY29uZgo=
C
{
  monmaptool --create --addv a "[v1:127.0.0.1:$M]" --fsid "$F" "$D/mm" || fail monmaptool
  ceph-mon --mkfs -i a --monmap "$D/mm" || fail 'ceph-mon --mkfs'
  start 'timeout 30 ceph mon stat' ceph-mon -i a -f
  ceph osd new "$O" 0; ceph osd crush add osd.0 1 root=default host=h
  ceph-osd --mkfs -i 0 --osd-uuid "$O" || fail 'ceph-osd --mkfs'
  start "timeout 30 ceph osd stat | grep -q '1 up'" ceph-osd -i 0 -f
  start "(: </dev/tcp/127.0.0.1/$P)" radosgw -f -n client.rgw.a --rgw-frontends "beast endpoint=127.0.0.1:$P tcp_nodelay=1"
  while read -r name access secret; do
    radosgw-admin user create --uid="$name" --display-name="$name" --access-key="$access" --secret-key="$secret" || fail "user $name"
  done <<<"$USERS"
} >"$D/out.log" 2>"$D/err.log" </dev/null
echo ready
cat >/dev/null
