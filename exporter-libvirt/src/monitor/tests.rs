//! Tests of the threads on askers that hang, panic and come back when they are told.

use std::collections::HashSet;

use super::*;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

/// Domains that do not answer until they are freed.
#[derive(Default)]
struct Hung {
    names: Mutex<HashSet<String>>,
    freed: Condvar,
}

impl Hung {
    fn of(names: impl IntoIterator<Item = String>) -> Arc<Hung> {
        Arc::new(Hung {
            names: Mutex::new(names.into_iter().collect()),
            freed: Condvar::new(),
        })
    }

    fn pass(&self, name: &str) {
        let names = self.names.lock().unwrap();
        drop(
            self.freed
                .wait_while(names, |names| names.contains(name))
                .unwrap(),
        );
    }

    fn free(&self) {
        self.names.lock().unwrap().clear();
        self.freed.notify_all();
    }
}

fn pool(width: usize, patience: Duration, hung: &Arc<Hung>) -> Pool<()> {
    let hung = Arc::clone(hung);
    Pool::new(width, patience, move || {
        let hung = Arc::clone(&hung);
        Box::new(move |question| {
            let ask = |uuid: &Arc<str>| {
                assert_ne!(&**uuid, "panic", "as a test");
                hung.pass(uuid);
                (Arc::clone(uuid), ())
            };
            question.domains.iter().map(ask).collect()
        })
    })
}

fn question(uuid: &str) -> Question {
    Question {
        domains: vec![uuid.into()],
        what: 1,
        is_optional: false,
    }
}

fn questions(count: usize) -> Vec<Question> {
    (0..count)
        .map(|number| question(&number.to_string()))
        .collect()
}

fn soon() -> Instant {
    Instant::now() + LONG
}

#[test]
fn all_questions_are_answered_by_no_more_threads_than_allowed() {
    let mut pool = pool(3, LONG, &Hung::of([]));
    for _ in 0..3 {
        let round = pool.round(questions(50), soon());
        let answered: HashSet<_> = round.in_time.iter().map(|(uuid, _)| uuid.clone()).collect();
        assert_eq!(answered.len(), 50);
        assert!(round.suspects.is_empty() && round.late.is_empty());
        assert!(pool.shared.lock().threads <= 3);
    }
}

#[test]
fn a_domain_that_hangs_is_given_up_alone_and_its_late_answer_is_told() {
    let hung = Hung::of(["7".to_owned()]);
    let mut pool = pool(2, SHORT, &hung);
    let round = pool.round(questions(20), soon());
    assert_eq!(round.suspects, [Arc::from("7")]);
    assert_eq!(round.in_time.len(), 19);
    assert_eq!((pool.stuck(), pool.left_behind()), (1, 1));
    let without = questions(20)
        .into_iter()
        .filter(|question| &*question.domains[0] != "7");
    assert_eq!(pool.round(without.collect(), soon()).in_time.len(), 19);
    hung.free();
    while pool.stuck() > 0 {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(pool.returned(), [Arc::from("7")]);
    let round = pool.round(questions(20), soon());
    assert_eq!(round.in_time.len(), 20);
}

#[test]
fn no_more_threads_are_risked_when_too_many_hang() {
    let hung = Hung::of((0..20).map(|number| number.to_string()));
    let mut pool = pool(4, SHORT, &hung);
    let round = pool.round(questions(20), soon());
    let stuck = round.suspects.len();
    assert!((MAX_STUCK..MAX_STUCK + 4).contains(&stuck), "{stuck}");
    assert!(pool.round(questions(20), soon()).in_time.is_empty());
    assert_eq!(pool.stuck(), stuck);
    hung.free();
    while pool.stuck() > 0 {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(pool.round(questions(20), soon()).in_time.len(), 20);
}

#[test]
fn an_optional_question_does_not_hold_the_round_up() {
    let hung = Hung::of(["slow".to_owned()]);
    let mut pool = pool(2, Duration::from_secs(2), &hung);
    let slow = || Question {
        is_optional: true,
        ..question("slow")
    };
    let asked = [vec![slow()], questions(3)].concat();
    let round = pool.round(asked, soon());
    assert_eq!(round.in_time.len(), 3);
    assert!(
        round.suspects.is_empty(),
        "it is not given up before its own time"
    );
    hung.free();
    while !pool.shared.lock().busy.is_empty() {
        thread::sleep(Duration::from_millis(1));
    }
    let round = pool.round(Vec::new(), soon());
    assert_eq!(
        round.in_time.len() + round.late.len(),
        1,
        "it came after the round"
    );
}

#[test]
fn the_rounds_deadline_ends_it_whatever_is_missing() {
    let hung = Hung::of(["0".to_owned()]);
    let mut pool = pool(1, LONG, &hung);
    let round = pool.round(questions(5), Instant::now() + SHORT);
    assert!(round.in_time.is_empty() && round.suspects.is_empty());
    assert!(
        pool.shared.lock().take().is_none(),
        "what was not asked is not asked later"
    );
    hung.free();
}

#[test]
fn a_thread_that_panics_has_no_answer_and_another_takes_over() {
    let mut pool = pool(1, LONG, &Hung::of([]));
    let mut asked = questions(2);
    asked.insert(1, question("panic"));
    let round = pool.round(asked, soon());
    let answered: Vec<_> = round.in_time.iter().map(|(uuid, ())| &**uuid).collect();
    assert_eq!(answered, ["0", "1"]);
}

#[test]
fn domains_that_were_asked_together_with_one_that_hangs_are_asked_again_alone() {
    let hung = Hung::of(["2".to_owned()]);
    let mut pool = pool(2, SHORT, &hung);
    let together = Question {
        domains: (0..5).map(|number| number.to_string().into()).collect(),
        ..question("")
    };
    let round = pool.round(vec![together], soon());
    let mut answered: Vec<_> = round.in_time.iter().map(|(uuid, ())| &**uuid).collect();
    answered.sort_unstable();
    assert_eq!(answered, ["0", "1", "3", "4"]);
    let hangs = |uuid: &&Arc<str>| !answered.contains(&&***uuid);
    assert!(
        round
            .suspects
            .iter()
            .filter(hangs)
            .all(|uuid| &**uuid == "2")
    );
    hung.free();
}

#[test]
fn a_domain_has_come_back_when_no_question_hangs_on_it_any_more_also_without_an_answer() {
    let (first, second) = (Hung::of(["a".to_owned()]), Hung::of(["a".to_owned()]));
    let made = Arc::new(Mutex::new(0));
    let mut pool: Pool<()> = Pool::new(1, SHORT, {
        let doors = [Arc::clone(&first), Arc::clone(&second)];
        move || {
            let mut made = made.lock().unwrap();
            let door = doors.get(*made).cloned();
            *made += 1;
            Box::new(move |question| {
                for uuid in &question.domains {
                    door.as_ref().inspect(|door| door.pass(uuid));
                }
                Vec::new()
            })
        }
    });
    for _ in 0..2 {
        let round = pool.round(vec![question("a")], soon());
        assert_eq!(round.suspects, [Arc::from("a")]);
        assert_eq!(round.returned, Vec::<Arc<str>>::new());
    }
    let until_stuck = |pool: &Pool<()>, count| {
        while pool.stuck() > count {
            thread::sleep(Duration::from_millis(1));
        }
    };
    first.free();
    until_stuck(&pool, 1);
    assert_eq!(pool.returned(), Vec::<Arc<str>>::new());
    second.free();
    until_stuck(&pool, 0);
    assert_eq!(pool.returned(), [Arc::from("a")]);
    assert_eq!(pool.returned(), Vec::<Arc<str>>::new(), "told once");
}
