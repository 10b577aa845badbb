"""Guests as libvirt sees them, from exporter-libvirt's series."""

from .parts import GUEST_ONLY as G
from .parts import CLUSTER_ONLY, HOST_ONLY, cluster, host, panel, stat, variable

D = "{{domain}} {{target_device}}"


def rate(name):
    return f"rate({name}{{{G}}}[$__rate_interval])"


def both(word_in, word_out, name_in, name_out):
    return (
        (rate(name_in), (f"{D} {word_in[0]}", f"{D} {word_in[1]}")),
        (rate(name_out), (f"{D} {word_out[0]}", f"{D} {word_out[1]}")),
    )


READ, WRITE = ("read", "读"), ("write", "写")
IN, OUT = ("in", "接收"), ("out", "发送")
BLOCK = "libvirt_domain_block_stats"
NIC = "libvirt_domain_interface_stats"

DASHBOARD = {
    "name": "guest",
    "title": ("Guest", "云主机"),
    "variables": [
        cluster("libvirt_domain_info"),
        host("libvirt_domain_info"),
        variable("project", f"label_values(libvirt_domain_info{{{HOST_ONLY}}}, project_id)"),
        variable("guest", f'label_values(libvirt_domain_info{{{HOST_ONLY}, project_id=~"$project"}}, domain)'),
    ],
    "rows": [
        (("At a glance", "概况"), [
            stat(("Guests", "云主机"), "none", f"count(libvirt_domain_info{{{G}}})"),
            stat(("Running", "运行中"), "none", f"sum(libvirt_domain_info_vstate{{{G}}} == bool 1)"),
            stat(("Paused", "已暂停"), "none", f"sum(libvirt_domain_info_vstate{{{G}}} == bool 3)", steps=(1, 5)),
            stat(("Crashed", "已崩溃"), "none", f"sum(libvirt_domain_info_vstate{{{G}}} == bool 6)", steps=(1, 1)),
            stat(("Not answering", "无响应"), "none", f"sum(libvirt_domain_timed_out{{{G}}})", steps=(1, 5)),
            stat(("libvirt down", "libvirt 中断"), "none", f"sum(libvirt_up{{{HOST_ONLY}}} == bool 0)", steps=(1, 1)),
            panel(("Who is who", "云主机信息"), "none",
                  (f"libvirt_domain_openstack_info{{{G}}}", ""), kind="table", width=24,
                  hide=("Time", "Value", "__name__", "job", "uuid", "flavor_id", "user_id", "image_id")),
        ]),
        (("CPU and memory", "CPU 与内存"), [
            panel(("CPU in use, of its vCPUs", "vCPU 使用率"), "percentunit",
                  (f"{rate('libvirt_domain_info_cpu_time_seconds_total')} / libvirt_domain_vcpu_current{{{G}}}", "{{domain}}"), max=1),
            panel(("Waiting for CPU (steal)", "等待 CPU（steal）"), "percentunit",
                  (f"avg without (vcpu) ({rate('libvirt_domain_vcpu_delay_seconds_total')})", "{{domain}}")),
            panel(("Memory in use, told by the guest", "内存使用率（云主机上报）"), "percent",
                  (f"libvirt_domain_memory_stats_used_percent{{{G}}}", "{{domain}}"), max=100),
            panel(("Memory", "内存"), "bytes",
                  (f"libvirt_domain_memory_stats_current_balloon_bytes{{{G}}}", ("{{domain}} given", "{{domain}} 分配")),
                  (f"libvirt_domain_memory_stats_usable_bytes{{{G}}}", ("{{domain}} usable", "{{domain}} 可用")),
                  (f"libvirt_domain_memory_stats_rss_bytes{{{G}}}", ("{{domain}} on the host", "{{domain}} 占用主机"))),
            panel(("Major page faults", "主缺页"), "ops",
                  (rate("libvirt_domain_memory_stats_major_fault_total"), "{{domain}}")),
            panel(("Age of the guest's memory numbers", "内存数据的时效"), "s",
                  (f"time() - (libvirt_domain_memory_stats_last_update_timestamp_seconds{{{G}}} > 0)", "{{domain}}")),
        ]),
        (("Disks", "磁盘"), [
            panel(("Throughput", "吞吐量"), "Bps",
                  *both(READ, WRITE, f"{BLOCK}_read_bytes_total", f"{BLOCK}_write_bytes_total")),
            panel(("Requests", "请求数"), "iops",
                  *both(READ, WRITE, f"{BLOCK}_read_requests_total", f"{BLOCK}_write_requests_total")),
            panel(("Time per request", "单次请求耗时"), "s",
                  (f"{rate(BLOCK + '_read_time_seconds_total')} / {rate(BLOCK + '_read_requests_total')}", (f"{D} read", f"{D} 读")),
                  (f"{rate(BLOCK + '_write_time_seconds_total')} / {rate(BLOCK + '_write_requests_total')}", (f"{D} write", f"{D} 写"))),
            panel(("Size and highest written byte", "容量与已写最高位置"), "bytes",
                  (f"{BLOCK}_capacity_bytes{{{G}}}", (f"{D} size", f"{D} 容量")),
                  (f"{BLOCK}_allocation{{{G}}}", (f"{D} written", f"{D} 已写"))),
        ]),
        (("File systems in the guests", "云主机内文件系统"), [
            panel(("Space in use", "空间使用率"), "percentunit",
                  (f"libvirt_domain_filesystem_used_bytes{{{G}}} / (libvirt_domain_filesystem_size_bytes{{{G}}} > 0)",
                   "{{domain}} {{mountpoint}} ({{source}})"), max=1),
            panel(("Age of the agent's answer", "代理数据的时效"), "s",
                  (f"libvirt_domain_guest_agent_age_seconds{{{G}}}", "{{domain}}")),
        ]),
        (("Network", "网络"), [
            panel(("Traffic", "流量"), "Bps", *both(IN, OUT, f"{NIC}_receive_bytes_total", f"{NIC}_transmit_bytes_total")),
            panel(("Packets", "报文数"), "pps", *both(IN, OUT, f"{NIC}_receive_packets_total", f"{NIC}_transmit_packets_total")),
            panel(("Errors", "错误"), "pps", *both(IN, OUT, f"{NIC}_receive_errors_total", f"{NIC}_transmit_errors_total")),
            panel(("Drops", "丢包"), "pps", *both(IN, OUT, f"{NIC}_receive_drops_total", f"{NIC}_transmit_drops_total")),
        ]),
        (("Host", "所在主机"), [
            panel(("Guests per host", "各主机的云主机数"), "none", (f"libvirt_domains{{{HOST_ONLY}}}", "{{instance}}")),
            panel(("CPUs used by guests, per project", "各项目占用的 CPU 核数"), "none",
                  (f"sum by (project_id) (rate(libvirt_domain_info_cpu_time_seconds_total{{{CLUSTER_ONLY}}}[$__rate_interval]))",
                   "{{project_id}}"), stack=True),
        ]),
    ],
}
