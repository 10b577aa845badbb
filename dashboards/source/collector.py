"""The collector's own health."""

from .parts import HOST_ONLY as H
from .parts import cluster, host, panel, stat

N = "nephoscope_collector"


def rate(name):
    return f"rate({N}_{name}{{{H}}}[$__rate_interval])"


def fsync(quantile):
    return f"histogram_quantile({quantile}, {rate('wal_fsync_duration_seconds_bucket')})"


DASHBOARD = {
    "name": "collector",
    "title": ("Collector", "采集器"),
    "variables": [cluster(f"{N}_build_info"), host(f"{N}_build_info")],
    "rows": [
        (("At a glance", "概况"), [
            stat(("Targets up", "正常目标"), "none", f'sum({N}_targets{{state="up", {H}}})'),
            stat(("Targets down", "失败目标"), "none", f'sum({N}_targets{{state="down", {H}}})', steps=(1, 3)),
            stat(("Metrics", "指标数"), "none", f"sum({N}_metrics{{{H}}})"),
            stat(("Stores refusing writes", "拒绝写入的存储"), "none", f"sum({N}_store_poisoned{{{H}}})", steps=(1, 1)),
            stat(("Disks full", "磁盘已满"), "none", f"sum({N}_store_disk_full{{{H}}})", steps=(1, 1)),
            stat(("Damaged places", "损坏的位置"), "none", f"sum({N}_replay_damaged_places{{{H}}}) + sum({N}_segment_damaged_blocks_total{{{H}}})", steps=(1, 1)),
        ]),
        (("What comes in", "数据接收"), [
            panel(("Measures acknowledged", "已确认的测量值"), "cps", (rate("input_measures_total"), "{{instance}} {{input}}")),
            panel(("Measures too late, double or rejected", "过晚、重复或被拒的测量值"), "cps",
                  (rate("input_late_total"), ("{{instance}} {{input}} late {{reason}}", "{{instance}} {{input}} 过晚 {{reason}}")),
                  (rate("input_duplicates_total"), ("{{instance}} {{input}} double", "{{instance}} {{input}} 重复")),
                  (rate("input_rejected_total"), "{{instance}} {{input}} {{reason}}")),
            panel(("Lag of the newest measure", "最新测量值的延迟"), "s",
                  (f"{N}_input_lag_seconds{{{H}}}", "{{instance}} {{input}}")),
            panel(("Measures that wait for the store", "等待存储的测量值"), "none",
                  (f"{N}_input_queue_measures{{{H}}}", "{{instance}} {{input}}")),
            panel(("Scrapes", "采集次数"), "ops",
                  (rate("scrapes_total"), ("{{instance}} all", "{{instance}} 全部")),
                  (rate("scrape_failures_total"), ("{{instance}} failed", "{{instance}} 失败")),
                  (rate("scrapes_skipped_total"), ("{{instance}} left out", "{{instance}} 跳过"))),
            panel(("Scraped samples and what became measures", "采集样本与存入的测量值"), "cps",
                  (rate("scraped_samples_total"), ("{{instance}} samples", "{{instance}} 样本")),
                  (rate("scraped_measures_total"), ("{{instance}} measures", "{{instance}} 测量值"))),
        ]),
        (("API", "接口"), [
            panel(("Requests by status", "各状态的请求数"), "reqps",
                  (f"sum by (instance, code) ({rate('http_requests_total')})", "{{instance}} {{code}}"), stack=True),
            panel(("Mean time by route", "各接口平均耗时"), "s",
                  (f"{rate('http_request_duration_seconds_sum')} / {rate('http_request_duration_seconds_count')}",
                   "{{method}} {{route}}")),
        ]),
        (("Store", "存储"), [
            panel(("Time of fdatasync", "fdatasync 耗时"), "s", (fsync(0.5), "{{instance}} p50"), (fsync(0.99), "{{instance}} p99")),
            panel(("Writes that wait", "等待中的写入"), "none",
                  (f"{N}_write_queue_length{{{H}}}", ("{{instance}} waiting", "{{instance}} 等待")),
                  (f"{N}_write_queue_capacity{{{H}}}", ("{{instance}} limit", "{{instance}} 上限"))),
            panel(("Log and snapshot on disk", "日志与快照大小"), "bytes",
                  (f"{N}_wal_size_bytes{{{H}}}", ("{{instance}} log", "{{instance}} 日志")),
                  (f"{N}_snapshot_size_bytes{{{H}}}", ("{{instance}} snapshot", "{{instance}} 快照"))),
            panel(("Checkpoints", "检查点"), "s",
                  (f"{N}_checkpoint_duration_seconds{{{H}}}", ("{{instance}} last took", "{{instance}} 最近耗时")),
                  (f"{N}_write_pause_max_seconds{{{H}}}", ("{{instance}} writes waited: {{cause}}", "{{instance}} 写入等待：{{cause}}"))),
        ]),
        (("Process", "进程"), [
            panel("CPU", "percentunit",
                  (f"rate(process_cpu_seconds_total{{{H}}}[$__rate_interval]) * on (job, instance) {N}_build_info{{{H}}}", "{{instance}}")),
            panel(("Memory", "内存"), "bytes",
                  (f"process_resident_memory_bytes{{{H}}} * on (job, instance) {N}_build_info{{{H}}}", "{{instance}}")),
        ]),
    ],
}
