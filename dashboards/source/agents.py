"""The agents' health: who is scraped, how long that takes, what fails, what they cost."""

from .parts import HOST_ONLY as H
from .parts import cluster, host, panel, stat

OURS = '__name__=~"nephoscope_.*_build_info"'


def rate(name):
    return f"rate({name}{{{H}}}[$__rate_interval])"


def of_ours(expr):
    """Only of processes that are ours: other exporters of the same host have a process too."""
    return f"{expr} * on (job, instance) group_left () group by (job, instance) ({{{OURS}, {H}}})"


DASHBOARD = {
    "name": "agents",
    "title": ("Agents", "采集程序"),
    "variables": [cluster("up"), host("up")],
    "rows": [
        (("At a glance", "概况"), [
            stat(("Targets up", "正常目标"), "none", f"sum(up{{{H}}})"),
            stat(("Targets down", "失败目标"), "none", f"sum(up{{{H}}} == bool 0)", steps=(1, 3)),
            stat(("Programs of ours", "本套件程序"), "none", f"count({{{OURS}, {H}}})"),
            stat(("Collectors without data", "无数据的采集项"), "none",
                 f'count({{__name__=~".*_scrape_collector_success", {H}}} == 0) or vector(0)'),
            stat(("Collectors that hang", "卡住的采集项"), "none", f"sum(nephoscope_scrape_stuck_collectors{{{H}}})", steps=(1, 3)),
            stat(("Hypervisors without libvirt", "libvirt 中断的主机"), "none", f"sum(libvirt_up{{{H}}} == bool 0)", steps=(1, 1)),
            panel(("Versions", "版本"), "none",
                  (f"{{{OURS}, {H}}}", ""), kind="table", width=24, hide=("Time", "Value")),
            panel(("Targets that are down", "失败的目标"), "none",
                  (f"up{{{H}}} == 0", ""), kind="table", width=24, hide=("Time", "Value", "__name__")),
        ]),
        (("Scrapes", "采集"), [
            panel(("Time", "耗时"), "s", (f"scrape_duration_seconds{{{H}}}", "{{job}} {{instance}}")),
            panel(("Samples", "样本数"), "none", (f"scrape_samples_scraped{{{H}}}", "{{job}} {{instance}}")),
            panel(("Slowest collectors", "最慢的采集项"), "s",
                  (f'topk(10, {{__name__=~".*_scrape_collector_duration_seconds", {H}}})', "{{instance}} {{collector}}")),
            panel(("Time-outs, panics, refused series", "超时、崩溃与被拒序列"), "ops",
                  (rate("nephoscope_scrape_timeouts_total"), ("{{instance}} {{collector}} time-outs", "{{instance}} {{collector}} 超时")),
                  (rate("nephoscope_scrape_panics_total"), ("{{instance}} {{collector}} panics", "{{instance}} {{collector}} 崩溃")),
                  (rate("nephoscope_scrape_problems_total"), ("{{instance}} refused", "{{instance}} 被拒"))),
        ]),
        (("SNMP agent", "SNMP 采集程序"), [
            panel(("Packets and retries", "报文与重试"), "pps",
                  (rate("snmp_packets_total"), ("{{instance}} packets", "{{instance}} 报文")),
                  (rate("snmp_packet_retries_total"), ("{{instance}} retries", "{{instance}} 重试"))),
            panel(("Failures", "失败"), "ops",
                  (rate("nephoscope_snmp_failed_parts_total"), ("{{instance}} parts", "{{instance}} 部分失败")),
                  (rate("nephoscope_snmp_dropped_samples_total"), ("{{instance}} dropped samples", "{{instance}} 丢弃样本")),
                  (rate("nephoscope_snmp_targets_refused_total"), ("{{instance}} refused targets", "{{instance}} 被拒目标"))),
        ]),
        (("What they cost", "资源占用"), [
            panel("CPU", "percentunit", (of_ours(rate("process_cpu_seconds_total")), "{{job}} {{instance}}")),
            panel(("Memory", "内存"), "bytes", (of_ours(f"process_resident_memory_bytes{{{H}}}"), "{{job}} {{instance}}")),
            panel(("Open files", "打开的文件"), "none", (of_ours(f"process_open_fds{{{H}}}"), "{{job}} {{instance}}")),
            panel(("Threads", "线程"), "none", (of_ours(f"process_threads{{{H}}}"), "{{job}} {{instance}}")),
        ]),
    ],
}
