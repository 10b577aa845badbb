// The page's words in both languages. A missing word shows its key, so that it is seen and mended.

const words = {
  en: {
    switch: "中文", range: "Range", minutes15: "15 minutes", hour: "1 hour", day: "1 day", week: "7 days",
    filter: "Filter", targets: "Targets", target: "Target", state: "State", lastScrape: "Last scrape",
    samples: "Samples", lastError: "Error", up: "up", down: "down", pending: "pending",
    hosts: "Hosts", instances: "Instances", more: "Show more", none: "None yet.",
    noData: "No data in this range.", metric: "Metric", shown: "{0} hosts, {1} instances",
    updated: "updated {0}", failed: "The collector does not answer: {0}",
    inputs: "Inputs", input: "Input", rate: "Per second", accepted: "Accepted", rejected: "Rejected", late: "Too late",
    duplicates: "Duplicates", queue: "Waiting", lag: "Lag", seconds: "{0} s", minutes: "{0} min", hours: "{0} h", days: "{0} d",
    taking: "taking", busy: "busy", refusing: "refusing", off: "off", requests: "requests with status {0}: {1}",
    gnocchi: "Gnocchi API", remote_write: "Prometheus remote write", influxdb: "InfluxDB", ceilometer: "Ceilometer (HTTP)",
    amqp: "RabbitMQ", statsd: "statsd", scrape: "Scrapes",
    flavor: "flavor", host: "host", project: "project", perSecond: "{0}/s", ended: "ended {0}",
  },
  zh: {
    switch: "English", range: "时间范围", minutes15: "15 分钟", hour: "1 小时", day: "1 天", week: "7 天",
    filter: "筛选", targets: "采集目标", target: "目标", state: "状态", lastScrape: "最近采集",
    samples: "样本数", lastError: "错误", up: "正常", down: "异常", pending: "等待中",
    hosts: "物理机", instances: "云主机", more: "显示更多", none: "暂无数据。",
    noData: "该时间范围内没有数据。", metric: "指标", shown: "{0} 台物理机，{1} 台云主机",
    updated: "更新于 {0}", failed: "采集器没有响应：{0}",
    inputs: "数据输入", input: "输入", rate: "每秒", accepted: "已接收", rejected: "已拒绝", late: "过晚",
    duplicates: "重复", queue: "等待中", lag: "延迟", seconds: "{0} 秒", minutes: "{0} 分钟", hours: "{0} 小时", days: "{0} 天",
    taking: "接收中", busy: "繁忙", refusing: "拒绝写入", off: "未启用", requests: "状态码 {0} 的请求：{1}",
    gnocchi: "Gnocchi API", remote_write: "Prometheus 远程写入", influxdb: "InfluxDB", ceilometer: "Ceilometer（HTTP）",
    amqp: "RabbitMQ", statsd: "statsd", scrape: "采集",
    flavor: "规格", host: "物理机", project: "项目", perSecond: "{0}/秒", ended: "已于 {0} 结束",
  },
};

const stored = () => { try { return localStorage.getItem("language"); } catch { return null; } };
const asked = new URLSearchParams(location.search).get("language") ?? stored() ?? navigator.language;
let language = asked.toLowerCase().startsWith("zh") ? "zh" : "en";

/** The language shown now, as an HTML `lang`. */
export const locale = () => (language === "zh" ? "zh-CN" : "en");

/** The word of that key, `{0}`, `{1}` filled in. */
export function text(key, ...values) {
  const word = words[language][key] ?? key;
  return word.replace(/\{(\d)\}/g, (whole, n) => values[n] ?? whole);
}

/** Writes every `data-text` below `root`. */
export function translate(root) {
  document.documentElement.lang = locale();
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
}

/** Changes to the other language and remembers it. */
export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  try { localStorage.setItem("language", language); } catch { /* a private window: for this visit only */ }
}
