"""Storage: what the guests' disks do, Ceph where it is scraped, Cinder's pools."""

from .parts import CLUSTER_ONLY as C
from .parts import bars, cluster, host, panel, stat
from .parts import HOST_ONLY as H

BLOCK = "libvirt_domain_block_stats"
DISK = "{{domain}} {{target_device}}"


def rate(name, selector=H):
    return f"rate({name}{{{selector}}}[$__rate_interval])"


def latency(way):
    return f"{rate(f'{BLOCK}_{way}_time_seconds_total')} / ({rate(f'{BLOCK}_{way}_requests_total')} > 0)"


def both(name):
    return f"({rate(f'{BLOCK}_read_{name}')} + {rate(f'{BLOCK}_write_{name}')})"


READ, WRITE = ("read", "读"), ("write", "写")

DASHBOARD = {
    "name": "storage",
    "title": ("Storage", "存储"),
    "variables": [cluster("up"), host("libvirt_domain_info")],
    "rows": [
        (("Guests' disks", "云主机磁盘"), [
            stat(("Disks", "磁盘数"), "none", f"count({BLOCK}_capacity_bytes{{{H}}})"),
            stat(("Size", "总容量"), "bytes", f"sum({BLOCK}_capacity_bytes{{{H}}})"),
            stat(("Written so far", "已分配"), "bytes", f"sum({BLOCK}_allocation{{{H}}})"),
            stat(("Requests", "请求数"), "iops", f"sum({both('requests_total')})"),
            stat(("Throughput", "吞吐量"), "Bps", f"sum({both('bytes_total')})"),
            stat(("Stopped by a disk error", "因磁盘错误暂停"), "none",
                 f'count(libvirt_domain_info_state_reason{{reason="ioerror", {H}}}) or vector(0)', steps=(1, 1)),
            panel(("Throughput", "吞吐量"), "Bps",
                  (f"sum({rate(f'{BLOCK}_read_bytes_total')})", READ), (f"sum({rate(f'{BLOCK}_write_bytes_total')})", WRITE)),
            panel(("Requests", "请求数"), "iops",
                  (f"sum({rate(f'{BLOCK}_read_requests_total')})", READ),
                  (f"sum({rate(f'{BLOCK}_write_requests_total')})", WRITE),
                  (f"sum({rate(f'{BLOCK}_flush_requests_total')})", ("flush", "刷盘"))),
            bars(("Most requests", "请求最多"), "iops", f"topk(10, {both('requests_total')})", DISK),
            bars(("Most bytes", "吞吐最大"), "Bps", f"topk(10, {both('bytes_total')})", DISK),
            bars(("Slowest reads", "读最慢"), "s", f"topk(10, {latency('read')})", DISK, steps=(0.05, 0.1)),
            bars(("Slowest writes", "写最慢"), "s", f"topk(10, {latency('write')})", DISK, steps=(0.05, 0.1)),
        ]),
        (("Disks of the hosts", "主机磁盘"), [
            panel(("Busy", "繁忙程度"), "percentunit",
                  (rate("node_disk_io_time_seconds_total", f'device!~"loop.*|ram.*|sr.*", {H}'), "{{instance}} {{device}}"), max=1),
            panel(("Requests that wait", "等待的请求"), "none",
                  (rate("node_disk_io_time_weighted_seconds_total", f'device!~"loop.*|ram.*|sr.*", {H}'), "{{instance}} {{device}}")),
        ]),
        (("Ceph", "Ceph"), [
            stat(("Health: 0 well, 1 warning, 2 error", "健康：0 正常 1 警告 2 错误"), "none", f"max(ceph_health_status{{{C}}})", steps=(1, 2)),
            stat(("Space in use", "空间使用率"), "percentunit",
                 f"sum(ceph_cluster_total_used_bytes{{{C}}}) / sum(ceph_cluster_total_bytes{{{C}}})", steps=(0.75, 0.85)),
            stat(("OSDs up", "OSD 正常"), "none", f"sum(ceph_osd_up{{{C}}})"),
            stat(("OSDs down", "OSD 下线"), "none", f"sum(ceph_osd_up{{{C}}} == bool 0)", steps=(1, 2)),
            stat(("Monitors out of the quorum", "不在仲裁的 MON"), "none", f"sum(ceph_mon_quorum_status{{{C}}} == bool 0)", steps=(1, 2)),
            stat(("Groups not active", "非活动 PG"), "none", f"sum(ceph_pg_total{{{C}}}) - sum(ceph_pg_active{{{C}}})", steps=(1, 1)),
            panel(("Pools: throughput", "存储池吞吐量"), "Bps",
                  (f"{rate('ceph_pool_rd_bytes', C)} * on (pool_id) group_left (name) ceph_pool_metadata{{{C}}}", ("{{name}} read", "{{name}} 读")),
                  (f"{rate('ceph_pool_wr_bytes', C)} * on (pool_id) group_left (name) ceph_pool_metadata{{{C}}}", ("{{name}} write", "{{name}} 写"))),
            panel(("Pools: stored", "存储池用量"), "bytes",
                  (f"ceph_pool_stored{{{C}}} * on (pool_id) group_left (name) ceph_pool_metadata{{{C}}}", "{{name}}")),
            panel(("Slowest OSDs", "最慢的 OSD"), "ms",
                  (f"topk(10, ceph_osd_apply_latency_ms{{{C}}})", ("{{ceph_daemon}} apply", "{{ceph_daemon}} 应用")),
                  (f"topk(10, ceph_osd_commit_latency_ms{{{C}}})", ("{{ceph_daemon}} commit", "{{ceph_daemon}} 提交"))),
            panel(("Fullest OSDs", "最满的 OSD"), "percentunit",
                  (f"topk(10, ceph_osd_stat_bytes_used{{{C}}} / (ceph_osd_stat_bytes{{{C}}} > 0))", "{{ceph_daemon}}"), max=1),
        ]),
        (("Volume pools", "卷存储池"), [
            panel(("In use", "使用率"), "percentunit",
                  (f"1 - openstack_cinder_pool_capacity_free_gb{{{C}}} / (openstack_cinder_pool_capacity_total_gb{{{C}}} > 0)", "{{name}}"),
                  max=1, width=24),
        ]),
    ],
}
