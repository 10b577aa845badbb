//! Tests of the prober with mounts that are silent until they are told to answer.

use super::*;

const SPACE: Space = Space {
    block_size: 4096.0,
    blocks: 100.0,
    free: 50.0,
    available: 40.0,
    files: 10.0,
    files_free: 5.0,
};

/// Long enough for any answer that comes at all.
fn patient() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Over soon: for rounds in which something stays silent.
fn soon() -> Instant {
    Instant::now() + 4 * PATIENCE
}

fn paths(local: &[&str], remote: &[&str]) -> Arc<Paths> {
    let all = local
        .iter()
        .chain(remote)
        .map(|path| CString::new(*path).unwrap())
        .collect();
    Arc::new(Paths {
        all,
        local: local.len(),
    })
}

/// Mounts under `/dead` are silent until the gate opens; `/broken` answers with an error.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn prober(&self) -> Prober {
        let gate = self.clone();
        Prober::with(Box::new(move |path| {
            let path = path.to_str().unwrap();
            if path.starts_with("/dead") {
                let open = gate.0.0.lock().unwrap();
                drop(gate.0.1.wait_while(open, |open| !*open).unwrap());
            }
            (path != "/broken").then_some(SPACE)
        }))
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // No thread of a failed test stays behind.
        self.open();
    }
}

fn threads(prober: &Prober) -> usize {
    prober.0.lock().threads
}

#[test]
fn all_mounts_answer_in_their_order_and_one_thread_is_enough() {
    let prober = Gate::default().prober();
    for _ in 0..20 {
        let answers = prober.ask(&paths(&["/", "/broken"], &["/nfs"]), patient());
        assert_eq!(answers, [Some(SPACE), None, Some(SPACE)]);
        prober.recycle(answers);
    }
    assert!(threads(&prober) >= 1);
}

#[test]
fn no_mounts_need_no_answer() {
    assert_eq!(
        Gate::default().prober().ask(&paths(&[], &[]), patient()),
        []
    );
}

#[test]
fn a_silent_mount_costs_its_own_answer_only() {
    let gate = Gate::default();
    let prober = gate.prober();
    let paths = paths(&["/"], &["/dead/1", "/nfs", "/dead/2", "/nfs/2"]);
    let answers = prober.ask(&paths, soon() + 60 * PATIENCE);
    assert_eq!(answers, [Some(SPACE), None, Some(SPACE), None, Some(SPACE)]);
}

#[test]
fn a_mount_that_is_still_silent_is_not_asked_again_until_it_answers() {
    let gate = Gate::default();
    let prober = gate.prober();
    let paths = paths(&["/"], &["/dead/1"]);
    prober.ask(&paths, soon());
    let before = threads(&prober);
    // The far deadlines show that nobody waits for a mount which is known to be silent.
    for _ in 0..10 {
        assert_eq!(prober.ask(&paths, patient()), [Some(SPACE), None]);
    }
    assert!(threads(&prober) <= before.max(2));
    gate.open();
    while prober.ask(&paths, patient()) != [Some(SPACE), Some(SPACE)] {
        std::thread::yield_now();
    }
}

#[test]
fn a_late_answer_within_the_deadline_is_an_answer() {
    let gate = Gate::default();
    let prober = gate.prober();
    let opening = std::thread::spawn(move || {
        std::thread::sleep(3 * PATIENCE);
        gate.open();
    });
    assert_eq!(
        prober.ask(&paths(&[], &["/dead/1"]), patient()),
        [Some(SPACE)]
    );
    opening.join().unwrap();
}

#[test]
fn many_silent_remote_mounts_are_bounded_and_leave_a_thread_for_local_ones() {
    let gate = Gate::default();
    let prober = gate.prober();
    let dead: Vec<String> = (0..2 * MOST_THREADS)
        .map(|n| format!("/dead/{n}"))
        .collect();
    let dead: Vec<&str> = dead.iter().map(String::as_str).collect();
    let paths = paths(&["/", "/home"], &dead);
    for _ in 0..3 {
        let answers = prober.ask(&paths, Instant::now() + 40 * PATIENCE);
        assert_eq!(answers[..2], [Some(SPACE), Some(SPACE)]);
        assert!(answers[2..].iter().all(Option::is_none));
        assert!(threads(&prober) <= MOST_THREADS);
    }
}

#[test]
fn when_even_local_mounts_hang_the_answer_still_comes() {
    let gate = Gate::default();
    let prober = gate.prober();
    let dead: Vec<String> = (0..2 * MOST_THREADS)
        .map(|n| format!("/dead/{n}"))
        .collect();
    let dead: Vec<&str> = dead.iter().map(String::as_str).collect();
    let paths = paths(&dead, &[]);
    prober.ask(&paths, Instant::now() + 60 * PATIENCE);
    assert_eq!(threads(&prober), MOST_THREADS);
    let answers = prober.ask(&paths, patient());
    assert!(answers.iter().all(Option::is_none));
}

#[test]
fn the_root_of_this_machine_has_space() {
    let answers = Prober::new().ask(&paths(&["/", "/no/such/mount"], &[]), patient());
    assert!(answers[0].unwrap().blocks > 0.0);
    assert_eq!(answers[1], None);
}
