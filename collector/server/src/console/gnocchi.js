// What the page asks of the collector: its own Gnocchi API, as any other client would, and the state of its inputs and targets.

async function get(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status} ${path}`);
  return answer.json();
}

/** A page of resources of a type, in order of id; the next page starts after `marker`. */
export function resources(type, limit, marker) {
  const query = new URLSearchParams({ limit });
  if (marker) query.set("marker", marker);
  return get(`v1/resource/${type}?${query}`);
}

export const inputs = () => get("console/inputs");
export const targets = () => get("console/targets");
export const metric = (id) => get(`v1/metric/${id}`);

/** The finest granularity of the metric's policy that still holds `seconds` of history, in seconds. */
export function granularity(metric, seconds) {
  const definitions = metric.archive_policy.definition
    .map((d) => ({ granularity: duration(d.granularity), timespan: d.timespan === null ? Infinity : duration(d.timespan) }))
    .sort((a, b) => a.granularity - b.granularity);
  const wanted = definitions.find((d) => d.timespan >= seconds && seconds / d.granularity <= 4000);
  return (wanted ?? definitions[definitions.length - 1]).granularity;
}

// Gnocchi writes "0:05:00" and "30 days, 0:00:00".
function duration(written) {
  const [, days, hours, minutes, seconds] = /^(?:(\d+) days?, )?(\d+):(\d+):([\d.]+)$/.exec(written) ?? [];
  return Number(days ?? 0) * 86400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

/** Mean values as pairs of milliseconds and value. */
export async function measures(id, granularity, from) {
  const query = new URLSearchParams({ aggregation: "mean", granularity, start: new Date(from).toISOString() });
  const answer = await get(`v1/metric/${id}/measures?${query}`);
  return answer.map(([time, , value]) => [Date.parse(time), value]);
}

/** A counter's growth a second between neighbours; where it went back (a restart) there is none. */
export function perSecond(points) {
  const rates = [];
  for (let i = 1; i < points.length; i += 1) {
    const [time, value] = points[i], [before, old] = points[i - 1];
    if (value >= old && time > before) rates.push([time, ((value - old) * 1000) / (time - before)]);
  }
  return rates;
}
