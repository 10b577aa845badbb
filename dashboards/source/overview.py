"""The whole cloud on one page: what is there, what is wrong, who is the busiest."""

from .parts import CLUSTER_ONLY as C
from .parts import bars, cluster, panel, stat

IDLE = f'rate(node_cpu_seconds_total{{mode=~"idle|iowait|steal", {C}}}[$__rate_interval])'

DASHBOARD = {
    "name": "overview",
    "title": ("Overview", "总览"),
    "variables": [cluster("up")],
    "rows": [
        (("What is there", "概况"), [
            stat(("Hosts", "主机"), "none", f"count(node_uname_info{{{C}}})"),
            stat(("Guests", "云主机"), "none", f"sum(libvirt_domains{{{C}}})"),
            stat(("Guests running", "运行中的云主机"), "none", f"sum(libvirt_domain_info_vstate{{{C}}} == bool 1)"),
            stat(("Targets down", "采集失败的目标"), "none", f"sum(up{{{C}}} == bool 0)", steps=(1, 3)),
            stat(("vCPUs per CPU", "CPU 超分比"), "none",
                 f"sum(libvirt_domain_vcpu_current{{{C}}}) / count(node_cpu_seconds_total{{mode=\"idle\", {C}}})"),
            stat(("Guests' memory per host memory", "内存分配比"), "percentunit",
                 f"sum(libvirt_domain_memory_stats_current_balloon_bytes{{{C}}}) / sum(node_memory_MemTotal_bytes{{{C}}})",
                 steps=(0.9, 1)),
        ]),
        (("Capacity", "容量"), [
            stat(("CPUs", "物理 CPU"), "none", f'count(node_cpu_seconds_total{{mode="idle", {C}}})'),
            stat(("vCPUs", "vCPU"), "none", f"sum(libvirt_domain_vcpu_current{{{C}}})"),
            stat(("CPUs in use", "CPU 使用率"), "percentunit", f"1 - avg(sum by (instance, cpu) ({IDLE}))", steps=(0.7, 0.9)),
            stat(("Memory", "内存"), "bytes", f"sum(node_memory_MemTotal_bytes{{{C}}})"),
            stat(("Memory available", "可用内存"), "bytes", f"sum(node_memory_MemAvailable_bytes{{{C}}})"),
            stat(("Guests' disks", "云主机磁盘容量"), "bytes", f"sum(libvirt_domain_block_stats_capacity_bytes{{{C}}})"),
        ]),
        (("What is wrong", "异常"), [
            panel(("Alerts that fire", "正在触发的告警"), "none",
                  (f'ALERTS{{alertstate="firing", {C}}}', ""), kind="table", width=24,
                  hide=("Time", "Value", "__name__", "alertstate", "job")),
        ]),
        (("Hosts", "主机"), [
            bars(("CPU in use", "CPU 使用率"), "percentunit",
                 f"topk(15, 1 - avg by (instance) (sum by (instance, cpu) ({IDLE})))", "{{instance}}", max=1, steps=(0.8, 0.95)),
            bars(("Memory in use", "内存使用率"), "percentunit",
                 f"topk(15, 1 - node_memory_MemAvailable_bytes{{{C}}} / node_memory_MemTotal_bytes{{{C}}})",
                 "{{instance}}", max=1, steps=(0.9, 0.95)),
            bars(("Fullest file systems", "最满的文件系统"), "percentunit",
                 f"topk(15, 1 - node_filesystem_avail_bytes{{{C}}} / (node_filesystem_size_bytes{{{C}}} > 0))",
                 "{{instance}} {{mountpoint}}", max=1, steps=(0.8, 0.95)),
            panel(("Network, received", "网络接收"), "Bps",
                  (f'sum by (instance) (rate(node_network_receive_bytes_total{{device!~"lo|tap.*|vnet.*", {C}}}[$__rate_interval]))',
                   "{{instance}}")),
            panel(("Network, sent", "网络发送"), "Bps",
                  (f'sum by (instance) (rate(node_network_transmit_bytes_total{{device!~"lo|tap.*|vnet.*", {C}}}[$__rate_interval]))',
                   "{{instance}}")),
        ]),
        (("Busiest guests", "最繁忙的云主机"), [
            bars(("CPUs in use", "占用 CPU 核数"), "none",
                 f"topk(10, rate(libvirt_domain_info_cpu_time_seconds_total{{{C}}}[$__rate_interval]))", "{{domain}}"),
            bars(("Waiting for CPU (steal)", "等待 CPU（steal）"), "percentunit",
                 f"topk(10, avg without (vcpu) (rate(libvirt_domain_vcpu_delay_seconds_total{{{C}}}[$__rate_interval])))",
                 "{{domain}}", steps=(0.05, 0.1)),
            bars(("Memory in use", "内存使用率"), "percent",
                 f"topk(10, libvirt_domain_memory_stats_used_percent{{{C}}})", "{{domain}}", max=100, steps=(90, 97)),
            bars(("Disk requests", "磁盘请求数"), "iops",
                 f"topk(10, sum by (instance, domain) (rate(libvirt_domain_block_stats_read_requests_total{{{C}}}[$__rate_interval])"
                 f" + rate(libvirt_domain_block_stats_write_requests_total{{{C}}}[$__rate_interval])))", "{{domain}}"),
            bars(("Network", "网络流量"), "Bps",
                 f"topk(10, sum by (instance, domain) (rate(libvirt_domain_interface_stats_receive_bytes_total{{{C}}}[$__rate_interval])"
                 f" + rate(libvirt_domain_interface_stats_transmit_bytes_total{{{C}}}[$__rate_interval])))", "{{domain}}"),
        ]),
    ],
}
