"""Hosts in detail, from exporter-host's series."""

from .parts import HOST_ONLY as H
from .parts import cluster, host, panel, stat

DISKS = f'device!~"loop.*|ram.*|sr.*", {H}'
NICS = f'device!~"lo|tap.*|vnet.*|qvo.*|qvb.*", {H}'


def rate(name, selector=H):
    return f"rate({name}{{{selector}}}[$__rate_interval])"


DASHBOARD = {
    "name": "host",
    "title": ("Host", "主机"),
    "variables": [cluster("node_uname_info"), host("node_uname_info")],
    "rows": [
        (("At a glance", "概况"), [
            stat(("Hosts", "主机数"), "none", f"count(node_uname_info{{{H}}})"),
            stat(("Shortest uptime", "最短运行时间"), "s", f"min(node_time_seconds{{{H}}} - node_boot_time_seconds{{{H}}})"),
            stat(("CPUs", "CPU 数"), "none", f'count(node_cpu_seconds_total{{mode="idle", {H}}})'),
            stat(("Memory", "内存"), "bytes", f"sum(node_memory_MemTotal_bytes{{{H}}})"),
            stat(("Highest load per CPU", "最高单核负载"), "none",
                 f'max(node_load1{{{H}}} / on (job, instance) group_left () count by (job, instance) (node_cpu_seconds_total{{mode="idle", {H}}}))',
                 steps=(1, 2)),
            stat(("Killed for memory, in the time shown", "时段内因内存被杀的进程"), "none",
                 f"sum(increase(node_vmstat_oom_kill{{{H}}}[$__range]))", steps=(1, 5)),
        ]),
        (("CPU", "处理器"), [
            panel(("CPUs in use, by mode", "各模式占用的 CPU 核数"), "none",
                  (f'sum by (instance, mode) (rate(node_cpu_seconds_total{{mode!="idle", {H}}}[$__rate_interval]))',
                   "{{instance}} {{mode}}"), stack=True),
            panel(("Load", "负载"), "none",
                  (f"node_load1{{{H}}}", ("{{instance}} 1 min", "{{instance}} 1 分钟")),
                  (f"node_load15{{{H}}}", ("{{instance}} 15 min", "{{instance}} 15 分钟"))),
            panel(("Processes running and blocked", "运行与阻塞的进程"), "none",
                  (f"node_procs_running{{{H}}}", ("{{instance}} running", "{{instance}} 运行")),
                  (f"node_procs_blocked{{{H}}}", ("{{instance}} blocked", "{{instance}} 阻塞"))),
            panel(("Context switches and interrupts", "上下文切换与中断"), "ops",
                  (rate("node_context_switches_total"), ("{{instance}} switches", "{{instance}} 切换")),
                  (rate("node_intr_total"), ("{{instance}} interrupts", "{{instance}} 中断"))),
        ]),
        (("Memory", "内存"), [
            panel(("Memory in use", "内存使用率"), "percentunit",
                  (f"1 - node_memory_MemAvailable_bytes{{{H}}} / node_memory_MemTotal_bytes{{{H}}}", "{{instance}}"), max=1),
            panel(("Available, cached, swapped", "可用、缓存、交换"), "bytes",
                  (f"node_memory_MemAvailable_bytes{{{H}}}", ("{{instance}} available", "{{instance}} 可用")),
                  (f"node_memory_Cached_bytes{{{H}}}", ("{{instance}} cached", "{{instance}} 缓存")),
                  (f"node_memory_SwapTotal_bytes{{{H}}} - node_memory_SwapFree_bytes{{{H}}}",
                   ("{{instance}} swapped", "{{instance}} 已交换"))),
            panel(("Pages swapped in and out", "换入换出页数"), "ops",
                  (rate("node_vmstat_pswpin"), ("{{instance}} in", "{{instance}} 换入")),
                  (rate("node_vmstat_pswpout"), ("{{instance}} out", "{{instance}} 换出"))),
            panel(("Major page faults", "主缺页"), "ops", (rate("node_vmstat_pgmajfault"), "{{instance}}")),
        ]),
        (("Disks and file systems", "磁盘与文件系统"), [
            panel(("Throughput", "吞吐量"), "Bps",
                  (rate("node_disk_read_bytes_total", DISKS), ("{{instance}} {{device}} read", "{{instance}} {{device}} 读")),
                  (rate("node_disk_written_bytes_total", DISKS), ("{{instance}} {{device}} write", "{{instance}} {{device}} 写"))),
            panel(("Requests", "请求数"), "iops",
                  (rate("node_disk_reads_completed_total", DISKS), ("{{instance}} {{device}} read", "{{instance}} {{device}} 读")),
                  (rate("node_disk_writes_completed_total", DISKS), ("{{instance}} {{device}} write", "{{instance}} {{device}} 写"))),
            panel(("Time per request", "单次请求耗时"), "s",
                  (f"{rate('node_disk_read_time_seconds_total', DISKS)} / {rate('node_disk_reads_completed_total', DISKS)}",
                   ("{{instance}} {{device}} read", "{{instance}} {{device}} 读")),
                  (f"{rate('node_disk_write_time_seconds_total', DISKS)} / {rate('node_disk_writes_completed_total', DISKS)}",
                   ("{{instance}} {{device}} write", "{{instance}} {{device}} 写"))),
            panel(("Busy", "繁忙程度"), "percentunit",
                  (rate("node_disk_io_time_seconds_total", DISKS), "{{instance}} {{device}}"), max=1),
            panel(("Space in use", "空间使用率"), "percentunit",
                  (f"1 - node_filesystem_avail_bytes{{{H}}} / (node_filesystem_size_bytes{{{H}}} > 0)", "{{instance}} {{mountpoint}}"), max=1),
            panel(("Inodes in use", "inode 使用率"), "percentunit",
                  (f"1 - node_filesystem_files_free{{{H}}} / (node_filesystem_files{{{H}}} > 0)", "{{instance}} {{mountpoint}}"), max=1),
        ]),
        (("Network", "网络"), [
            panel(("Traffic", "流量"), "Bps",
                  (rate("node_network_receive_bytes_total", NICS), ("{{instance}} {{device}} received", "{{instance}} {{device}} 接收")),
                  (rate("node_network_transmit_bytes_total", NICS), ("{{instance}} {{device}} sent", "{{instance}} {{device}} 发送"))),
            panel(("Errors and drops", "错误与丢包"), "pps",
                  (rate("node_network_receive_errs_total", NICS), ("{{instance}} {{device}} bad in", "{{instance}} {{device}} 接收错误")),
                  (rate("node_network_transmit_errs_total", NICS), ("{{instance}} {{device}} bad out", "{{instance}} {{device}} 发送错误")),
                  (rate("node_network_receive_drop_total", NICS), ("{{instance}} {{device}} dropped in", "{{instance}} {{device}} 接收丢包")),
                  (rate("node_network_transmit_drop_total", NICS), ("{{instance}} {{device}} dropped out", "{{instance}} {{device}} 发送丢包"))),
        ]),
        (("Hardware", "硬件"), [
            panel(("Temperatures", "温度"), "celsius",
                  (f"node_hwmon_temp_celsius{{{H}}}", "{{instance}} {{chip}} {{sensor}}")),
            panel(("Fans", "风扇"), "rotrpm", (f"node_hwmon_fan_rpm{{{H}}}", "{{instance}} {{chip}} {{sensor}}")),
            panel(("Memory errors", "内存错误"), "none",
                  (f"increase(node_edac_correctable_errors_total{{{H}}}[$__rate_interval])",
                   ("{{instance}} {{controller}} corrected", "{{instance}} {{controller}} 已纠正")),
                  (f"increase(node_edac_uncorrectable_errors_total{{{H}}}[$__rate_interval])",
                   ("{{instance}} {{controller}} lost", "{{instance}} {{controller}} 不可纠正"))),
            panel(("Waiting for CPU, memory, disk (pressure)", "等待 CPU、内存、磁盘（PSI）"), "percentunit",
                  (rate("node_pressure_cpu_waiting_seconds_total"), "{{instance}} CPU"),
                  (rate("node_pressure_memory_waiting_seconds_total"), ("{{instance}} memory", "{{instance}} 内存")),
                  (rate("node_pressure_io_waiting_seconds_total"), ("{{instance}} disk", "{{instance}} 磁盘"))),
        ]),
        (("Exporter", "采集"), [
            panel(("Time per collector", "各采集项耗时"), "s",
                  (f"node_scrape_collector_duration_seconds{{{H}}}", "{{instance}} {{collector}}")),
            panel(("Collectors without data", "无数据的采集项"), "none",
                  (f"node_scrape_collector_success{{{H}}} == 0", ""), kind="table", hide=("Time", "Value", "__name__")),
        ]),
    ],
}
