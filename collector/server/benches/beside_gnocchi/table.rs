//! The figures of both servers side by side, with their ratios and what these are to be.

/// What one server did.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Resources created, each by its own POST, per second.
    pub(crate) resources: f64,
    /// Metrics created in their first batches, one batch after the other, per second.
    pub(crate) creation: f64,
    /// The same per second of the server's CPU.
    pub(crate) creation_per_cpu: f64,
    /// Metrics created in first batches over all connections, per second.
    pub(crate) creation_at_once: f64,
    /// From the 202 until a read shows it, milliseconds.
    pub(crate) delay: f64,
    /// One measure per metric and POST, then 60.
    pub(crate) loads: Vec<Load>,
    /// What questions cost.
    pub(crate) questions: Vec<Question>,
    /// Most memory, MiB.
    pub(crate) memory: f64,
}

/// What one kind of load gave: measures per second, times of POSTs in milliseconds.
#[derive(Debug)]
pub(crate) struct Load {
    /// How often every metric was sent measures.
    pub(crate) rounds: u64,
    pub(crate) accepted: f64,
    pub(crate) visible: f64,
    pub(crate) per_cpu: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// What a question costs, in milliseconds.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) cpu: f64,
    pub(crate) wall: f64,
}

/// A line: the ratio is how many times better ours is.
fn line(what: &str, real: f64, ours: f64, more_is_better: bool, wanted: &str) {
    let ratio = if more_is_better {
        ours / real
    } else {
        real / ours.max(0.001)
    };
    println!(
        "| {what} | {} | {} | {ratio:.1} | {wanted} |",
        number(real),
        number(ours)
    );
}

fn number(value: f64) -> String {
    match value {
        value if value >= 1_000.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.3}"),
    }
}

/// Prints the table.
pub(crate) fn print(real: &Figures, ours: &Figures) {
    println!("\n| | Gnocchi 4.4.2 | ours | times better | wanted |");
    println!("|---|---|---|---|---|");
    line(
        "resources created/s",
        real.resources,
        ours.resources,
        true,
        "",
    );
    line(
        "metrics created/s in first batches, one by one",
        real.creation,
        ours.creation,
        true,
        "100",
    );
    line(
        "metrics created per CPU second",
        real.creation_per_cpu,
        ours.creation_per_cpu,
        true,
        "",
    );
    line(
        "metrics created/s in first batches, 16 at once",
        real.creation_at_once,
        ours.creation_at_once,
        true,
        "",
    );
    let kinds = [
        ("1 per metric and POST", "500"),
        ("60 per metric and POST", "20"),
    ];
    for ((kind, wanted), (real, ours)) in kinds.iter().zip(real.loads.iter().zip(&ours.loads)) {
        line(
            &format!("{kind}: accepted/s"),
            real.accepted,
            ours.accepted,
            true,
            "",
        );
        line(
            &format!("{kind}: visible/s"),
            real.visible,
            ours.visible,
            true,
            wanted,
        );
        line(
            &format!("{kind}: per CPU second"),
            real.per_cpu,
            ours.per_cpu,
            true,
            "",
        );
        line(
            &format!("{kind}: POST p50, ms"),
            real.p50,
            ours.p50,
            false,
            "",
        );
        line(
            &format!("{kind}: POST p99, ms"),
            real.p99,
            ours.p99,
            false,
            "",
        );
    }
    line(
        "visible after the 202, ms",
        real.delay,
        ours.delay,
        false,
        "",
    );
    for (real, ours) in real.questions.iter().zip(&ours.questions) {
        line(
            &format!("{}: CPU, ms", real.name),
            real.cpu,
            ours.cpu,
            false,
            "20",
        );
        line(
            &format!("{}: wall, ms", real.name),
            real.wall,
            ours.wall,
            false,
            "20",
        );
    }
    line("memory, MiB", real.memory, ours.memory, false, "10");
}
