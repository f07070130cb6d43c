#!/bin/bash
# live.sh SERVER: start a real server on loopback, run the tests of build tag
# "live" against it, and end it.
#
# SERVER is seaweedfs (built here, once, which takes a quarter of an hour on two
# cores) or ceph (the distribution's packages ceph-mon, ceph-osd and radosgw, of
# which nothing is changed: one monitor and one OSD that keeps its objects in
# memory, both with a configuration of their own in a temporary folder). Neither
# is part of make test.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
server=${1:-}
work=$(mktemp -d "${TMPDIR:-/tmp}/sluicefs-live.XXXXXX")
pids=()

finish() {
	for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
		kill "${pids[i]}" 2>/dev/null || true
	done
	wait || true
	rm -rf "$work"
}
trap finish EXIT

# free prints a port of 127.0.0.1 that nobody listens on.
free() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# answers waits until something speaks HTTP on a port.
answers() {
	timeout 120 bash -c "until curl -s -o /dev/null -m 1 http://127.0.0.1:$1/; do sleep 0.2; done" ||
		{ echo "tools/live.sh: $server does not answer; its folder was $work" >&2; tail -n 20 "$work"/*.out >&2; return 1; }
}

start_seaweedfs() {
	"$root/tools/build.sh" seaweedfs
	mkdir "$work/data"
	cat >"$work/s3.json" <<-JSON
		{"identities": [{"name": "live", "credentials": [{"accessKey": "$LIVE_ACCESS_KEY", "secretKey": "$LIVE_SECRET_KEY"}],
		  "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
	JSON
	# A bucket is a collection with volumes of its own: one each, of up to a thousand.
	(cd "$work" && WEED_MASTER_VOLUME_GROWTH_COPY_1=1 exec "$root/.bin/weed" server -ip=127.0.0.1 -ip.bind=127.0.0.1 -dir=data \
		-master.port="$(free)" -master.port.grpc="$(free)" -volume.port="$(free)" -volume.port.grpc="$(free)" \
		-filer -filer.port="$(free)" -filer.port.grpc="$(free)" -s3 -s3.port="$port" -s3.port.grpc="$(free)" \
		-s3.config=s3.json -volume.max=1000 -master.volumeSizeLimitMB=64) >"$work/weed.out" 2>&1 &
	pids+=($!)
}

start_ceph() {
	for program in ceph ceph-mon ceph-osd radosgw radosgw-admin; do
		command -v $program >/dev/null || { echo "tools/live.sh: $program is missing: apt-get install --no-install-recommends ceph-mon ceph-osd radosgw" >&2; return 1; }
	done
	local fsid uuid mon
	fsid=$(cat /proc/sys/kernel/random/uuid) uuid=$(cat /proc/sys/kernel/random/uuid) mon=$(free)
	mkdir "$work/mon" "$work/osd" "$work/run"
	cat >"$work/ceph.conf" <<-CONF
		[global]
		fsid = $fsid
		mon_host = [v2:127.0.0.1:$mon]
		ms_bind_msgr1 = false
		public_addr = 127.0.0.1
		auth_allow_insecure_global_id_reclaim = true
		osd_pool_default_size = 1
		osd_pool_default_min_size = 1
		osd_pool_default_pg_num = 4
		osd_pool_default_pgp_num = 4
		osd_pool_default_pg_autoscale_mode = off
		mon_allow_pool_size_one = true
		mon_data_avail_crit = 1
		mon_max_pg_per_osd = 1000
		osd_crush_chooseleaf_type = 0
		osd_objectstore = memstore
		memstore_device_bytes = 4294967296
		osd_class_load_list = *
		osd_class_default_list = *
		admin_socket =
		pid_file =
		log_file = $work/\$name.log
		mon_cluster_log_file = $work/cluster.log
		run_dir = $work/run
		keyring = $work/keyring
		crash_dir = $work
		rgw_frontends = beast endpoint=127.0.0.1:$port
	CONF
	local ceph=(timeout 60 ceph -c "$work/ceph.conf")
	ceph-authtool --create-keyring "$work/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' >/dev/null
	ceph-authtool "$work/keyring" --gen-key -n mon. --cap mon 'allow *' >/dev/null
	monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$mon]" "$work/monmap" >/dev/null
	ceph-mon -c "$work/ceph.conf" --mkfs -i a --mon-data "$work/mon" --monmap "$work/monmap" --keyring "$work/keyring"
	ceph-mon -c "$work/ceph.conf" -f -i a --mon-data "$work/mon" >"$work/mon.out" 2>&1 &
	pids+=($!)
	"${ceph[@]}" osd new "$uuid" >/dev/null
	"${ceph[@]}" auth get-or-create osd.0 mon 'allow profile osd' osd 'allow *' >"$work/osd/keyring"
	cat "$work/osd/keyring" >>"$work/keyring"
	ceph-osd -c "$work/ceph.conf" -i 0 --osd-data "$work/osd" --osd-uuid "$uuid" --mkfs 2>"$work/mkfs.out"
	ceph-osd -c "$work/ceph.conf" -f -i 0 --osd-data "$work/osd" >"$work/osd.out" 2>&1 &
	pids+=($!)
	radosgw -c "$work/ceph.conf" -f -n client.admin >"$work/rgw.out" 2>&1 &
	pids+=($!)
	answers "$port"
	timeout 60 radosgw-admin -c "$work/ceph.conf" user create --uid=live --display-name=live \
		--access-key="$LIVE_ACCESS_KEY" --secret-key="$LIVE_SECRET_KEY" >/dev/null
}

port=$(free)
export LIVE_PROVIDER=$server LIVE_ENDPOINT=http://127.0.0.1:$port LIVE_ACCESS_KEY=live LIVE_SECRET_KEY=secret-of-nobody
case $server in
seaweedfs | ceph) "start_$server" ;;
*)
	echo "usage: tools/live.sh seaweedfs|ceph" >&2
	exit 2
	;;
esac
answers "$port"
cd "$root"
go test -tags integration,live -count=1 -timeout 10m -run '^TestLive' -v ./integration
