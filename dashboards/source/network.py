"""NICs and bonds of the hosts, and network devices by SNMP (the module if_mib)."""

from .parts import CLUSTER_ONLY as C
from .parts import HOST_ONLY, cluster, host, panel, stat, variable

# Guests' taps and containers' pairs are not the host's links.
NICS = f'device!~"lo|tap.*|vnet.*|qvo.*|qvb.*|veth.*|virbr.*|docker.*", {HOST_ONLY}'
DEVICES = f'{C}, instance=~"$device"'
PORT = "{{instance}} {{ifName}}"


def rate(name, selector):
    return f"rate({name}{{{selector}}}[$__rate_interval])"


def nic(word, name, factor=""):
    return (rate(name, NICS) + factor, (f"{{{{instance}}}} {{{{device}}}} {word[0]}", f"{{{{instance}}}} {{{{device}}}} {word[1]}"))


def port(word, name, factor=""):
    return (rate(name, DEVICES) + factor, (f"{PORT} {word[0]}", f"{PORT} {word[1]}"))


IN, OUT = ("in", "接收"), ("out", "发送")

DASHBOARD = {
    "name": "network",
    "title": ("Network", "网络"),
    "variables": [
        cluster("node_network_up"),
        host("node_network_up"),
        variable("device", f"label_values(ifOperStatus{{{C}}}, instance)"),
    ],
    "rows": [
        (("Hosts: links", "主机：链路"), [
            stat(("NICs up", "正常网卡"), "none", f"sum(node_network_up{{{NICS}}})"),
            stat(("NICs down", "断开网卡"), "none", f"sum(node_network_up{{{NICS}}} == bool 0)"),
            stat(("Bonds", "绑定"), "none", f"count(node_bonding_slaves{{{HOST_ONLY}}})"),
            stat(("Bond members down", "断开的绑定成员"), "none",
                 f"sum(node_bonding_slaves{{{HOST_ONLY}}} - node_bonding_active{{{HOST_ONLY}}})", steps=(1, 2)),
            stat(("Links lost, in the time shown", "时段内链路变化"), "none",
                 f"sum(increase(node_network_carrier_down_changes_total{{{NICS}}}[$__range]))", steps=(1, 10)),
            panel(("Traffic", "流量"), "bps", nic(IN, "node_network_receive_bytes_total", " * 8"),
                  nic(OUT, "node_network_transmit_bytes_total", " * 8")),
            panel(("In use, of the link's speed", "带宽使用率"), "percentunit",
                  (f"{rate('node_network_receive_bytes_total', NICS)} / (node_network_speed_bytes{{{NICS}}} > 0)",
                   ("{{instance}} {{device}} in", "{{instance}} {{device}} 接收")),
                  (f"{rate('node_network_transmit_bytes_total', NICS)} / (node_network_speed_bytes{{{NICS}}} > 0)",
                   ("{{instance}} {{device}} out", "{{instance}} {{device}} 发送")), max=1),
            panel(("Packets", "报文数"), "pps", nic(IN, "node_network_receive_packets_total"),
                  nic(OUT, "node_network_transmit_packets_total")),
            panel(("Errors and drops", "错误与丢包"), "pps",
                  nic(("bad in", "接收错误"), "node_network_receive_errs_total"),
                  nic(("bad out", "发送错误"), "node_network_transmit_errs_total"),
                  nic(("dropped in", "接收丢包"), "node_network_receive_drop_total"),
                  nic(("dropped out", "发送丢包"), "node_network_transmit_drop_total")),
        ]),
        (("Network devices", "网络设备"), [
            stat(("Devices", "设备"), "none", f"count(count by (instance) (ifOperStatus{{{DEVICES}}}))"),
            stat(("Ports up", "正常端口"), "none", f"sum(ifOperStatus{{{DEVICES}}} == bool 1)"),
            stat(("Switched on and down", "已启用但断开"), "none",
                 f"sum((ifOperStatus{{{DEVICES}}} == bool 2) * (ifAdminStatus{{{DEVICES}}} == bool 1))"),
            stat(("Shortest uptime", "最短运行时间"), "s", f"min(sysUpTime{{{DEVICES}}} / 100)"),
            panel(("Ports: traffic", "端口流量"), "bps", port(IN, "ifHCInOctets", " * 8"), port(OUT, "ifHCOutOctets", " * 8")),
            panel(("Ports: in use, of their speed", "端口带宽使用率"), "percentunit",
                  (f"{rate('ifHCInOctets', DEVICES)} * 8 / (ifHighSpeed{{{DEVICES}}} * 1e6 > 0)", (f"{PORT} in", f"{PORT} 接收")),
                  (f"{rate('ifHCOutOctets', DEVICES)} * 8 / (ifHighSpeed{{{DEVICES}}} * 1e6 > 0)", (f"{PORT} out", f"{PORT} 发送")),
                  max=1),
            panel(("Ports: errors", "端口错误"), "pps", port(IN, "ifInErrors"), port(OUT, "ifOutErrors")),
            panel(("Ports: discards", "端口丢弃"), "pps", port(IN, "ifInDiscards"), port(OUT, "ifOutDiscards")),
            panel(("Ports that are down", "断开的端口"), "none",
                  (f"ifOperStatus{{{DEVICES}}} == 2", ""), kind="table", width=24,
                  hide=("Time", "Value", "__name__", "job", "ifIndex")),
        ]),
    ],
}
