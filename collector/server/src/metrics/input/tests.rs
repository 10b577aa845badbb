//! What is counted, and how it is written.

use exposition::Families;

use super::*;

fn text(inputs: &Inputs) -> String {
    let mut families = Families::new();
    inputs.collect(&mut families);
    let mut text = String::new();
    exposition::encode(&families, exposition::Format::Text, &mut text);
    text
}

fn ago(seconds: i64) -> Option<Timestamp> {
    let now = Timestamp::from(SystemTime::now());
    Some(Timestamp(now.0 - seconds * 1_000_000_000))
}

#[test]
fn a_batch_waits_until_it_is_answered_and_is_counted_by_its_input() {
    let inputs = Arc::new(Inputs::default());
    let waiting = inputs.waits(Input::Amqp, 5, ago(100));
    let figures = inputs.figures(Input::Amqp);
    assert_eq!((figures.waiting_batches, figures.waiting_measures), (1, 5));
    assert_eq!(figures.lag_seconds, None);
    waiting.stored(Ack {
        received: 5,
        late: 2,
        expired: 1,
        duplicates: 3,
    });
    drop(waiting);
    inputs.rejected(Input::Amqp, "busy", 7);
    inputs.rejected(Input::Amqp, "resource", 0);
    inputs.refused_request(Input::Gnocchi, 503);
    let figures = inputs.figures(Input::Amqp);
    assert_eq!((figures.waiting_batches, figures.waiting_measures), (0, 0));
    let lag = figures.lag_seconds.unwrap();
    assert!((100.0..200.0).contains(&lag), "{lag}");
    let text = text(&inputs);
    for line in [
        "measures_total{input=\"amqp\"} 5",
        "measures_total{input=\"gnocchi\"} 0",
        "rejected_total{input=\"amqp\",reason=\"busy\"} 7",
        "rejected_total{input=\"scrape\",reason=\"busy\"} 0",
        "late_total{input=\"amqp\",reason=\"back_window\"} 1",
        "late_total{input=\"amqp\",reason=\"timespan\"} 1",
        "duplicates_total{input=\"amqp\"} 3",
        "refused_requests_total{input=\"gnocchi\",code=\"503\"} 1",
        "queue_measures{input=\"amqp\"} 0",
        "age_seconds_bucket{input=\"amqp\",le=\"60\"} 0",
        "age_seconds_bucket{input=\"amqp\",le=\"300\"} 1",
        "age_seconds_count{input=\"amqp\"} 1",
    ] {
        let line = format!("nephoscope_collector_input_{line}\n");
        assert!(text.contains(&line), "{line} in {text}");
    }
    assert!(
        !text.contains("reason=\"resource\"") && !text.contains("lag_seconds{input=\"statsd\"}")
    );
}

#[test]
fn a_clock_that_is_ahead_hides_no_later_lag() {
    let inputs = Arc::new(Inputs::default());
    let waiting = inputs.waits(Input::Gnocchi, 1, ago(-1_000_000));
    waiting.stored(Ack::default());
    std::thread::sleep(std::time::Duration::from_millis(20));
    let lag = inputs.figures(Input::Gnocchi).lag_seconds.unwrap();
    assert!(lag >= 0.02, "{lag}");
    assert!(text(&inputs).contains("age_seconds_bucket{input=\"gnocchi\",le=\"1\"} 1"));
}
