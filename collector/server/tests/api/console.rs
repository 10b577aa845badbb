//! The page in a browser: what it says of the inputs.

use serde_json::json;
use testkit::chromium::dump_dom;

use crate::support::Collector;

/// The time that the page's scripts have, milliseconds: it asks twice, so that there are rates.
const BUDGET: u32 = 8_000;

/// The texts of an input's row.
fn row(page: &str, input: &str) -> Vec<String> {
    let begin = format!("<tr data-input=\"{input}\"");
    let rest = page
        .split_once(&begin)
        .unwrap_or_else(|| panic!("no {input} in {page}"))
        .1;
    let cells = rest.split_once("</tr>").unwrap().0.split("<td").skip(1);
    let texts = cells.map(|cell| {
        cell.split_once('>')
            .unwrap()
            .1
            .split_once('<')
            .unwrap()
            .0
            .to_owned()
    });
    texts.collect()
}

#[test]
fn the_page_shows_what_came_by_each_input_and_what_became_of_it() {
    let collector = Collector::start();
    let metric = collector.metric("low");
    let path = format!("/v1/metric/{metric}/measures");
    let first = json!([{"timestamp": "2015-03-06T14:33:57", "value": 1}]);
    collector.post(&path, &first).expect_status(202);
    let late = json!([
        {"timestamp": "2015-03-06T14:20:00", "value": 2},
        {"timestamp": "2014-03-06T14:20:00", "value": 3},
        {"timestamp": "2014-03-06T14:20:00", "value": 4},
    ]);
    collector.post(&path, &late).expect_status(202);
    collector.post(&path, &json!(7)).expect_status(400);
    let page = dump_dom(&collector.running.url("/console?language=en"), BUDGET);
    let gnocchi = row(&page, "gnocchi");
    let (lag, counts) = gnocchi.split_last().unwrap();
    // Name, state, rate, accepted, rejected, late, duplicates, waiting.
    assert_eq!(
        counts,
        ["Gnocchi API", "taking", "0", "4", "1", "2", "1", "0"]
    );
    let days: u32 = lag.strip_suffix(" d").unwrap().parse().unwrap();
    assert!(days > 4_000, "{lag}");
    assert_eq!(
        row(&page, "influxdb")[..4],
        ["InfluxDB", "taking", "0", "0"]
    );
    assert_eq!(row(&page, "amqp")[..3], ["RabbitMQ", "off", ""]);
    let chinese = dump_dom(&collector.running.url("/console?language=zh"), BUDGET);
    assert!(chinese.contains("数据输入"), "{chinese}");
    assert_eq!(
        row(&chinese, "remote_write")[..2],
        ["Prometheus 远程写入", "接收中"]
    );
    assert_eq!(row(&chinese, "statsd")[1], "未启用");
}
