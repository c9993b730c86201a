//! Any sequence of starts, stops, new intervals, new choices, waits and long stops against a model
//! in a few lines.

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use proptest::prelude::*;

use crate::push::broadcaster::{
    Broadcaster,
    tests::fixture::{Client, Fixture, Push, run},
};

/// More than a batch, so that operations fall between two of them.
const SESSIONS: usize = 10;

/// How far a window's ends may be off, in milliseconds: a slot, and half a one in which no second
/// reading is taken.
const TOLERANCE: u64 = 75;

const CHOICES: [&[&str]; 5] = [
    &["a"],
    &["b"],
    &["a", "b"],
    &["_meta", "a"],
    &["_meta", "b"],
];

#[derive(Debug, Clone)]
enum Step {
    Start(usize, u64, usize),
    Stop(usize),
    Retime(usize, u64),
    Choose(usize, usize),
    /// Milliseconds.
    Wait(u64),
    /// To the beginning of the next slot in which somebody is due, where the batches are.
    WaitForSlot,
    Yield(usize),
    StopProcess(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let interval = || prop::sample::select(vec![500_u64, 501, 777, 1000, 1500]);
    prop_oneof![
        5 => (0..SESSIONS, interval(), 0..CHOICES.len()).prop_map(|(session, interval, choice)| Step::Start(session, interval, choice)),
        2 => (0..SESSIONS).prop_map(Step::Stop),
        3 => (0..SESSIONS, interval()).prop_map(|(session, interval)| Step::Retime(session, interval)),
        3 => (0..SESSIONS, 0..CHOICES.len()).prop_map(|(session, choice)| Step::Choose(session, choice)),
        3 => (0_u64..1200).prop_map(Step::Wait),
        4 => Just(Step::WaitForSlot),
        4 => (1_usize..3).prop_map(Step::Yield),
        1 => (0_u64..30_000).prop_map(Step::StopProcess),
    ]
}

/// What a started session must get.
struct Expected {
    base: u64,
    interval: u64,
    /// The next push is due at base + n × interval.
    n: u64,
    seq: u64,
    last_push: u64,
    choice: usize,
    /// When each key was chosen.
    chosen: BTreeMap<&'static str, u64>,
}

impl Expected {
    fn new(now: u64, interval: u64, choice: usize) -> Self {
        let chosen = CHOICES[choice].iter().map(|key| (*key, now)).collect();
        Self {
            base: now,
            interval,
            n: 1,
            seq: 1,
            last_push: now,
            choice,
            chosen,
        }
    }

    /// The beginning of the slot of the next push.
    fn due(&self) -> u64 {
        (self.base + self.n * self.interval).div_ceil(50) * 50
    }

    fn retime(&mut self, now: u64, interval: u64) {
        (self.base, self.interval, self.n) = (now, interval, 1);
    }

    fn choose(&mut self, now: u64, choice: usize) {
        self.choice = choice;
        self.chosen = CHOICES[choice]
            .iter()
            .map(|key| (*key, *self.chosen.get(key).unwrap_or(&now)))
            .collect();
    }

    /// Takes in a push that was sent at the instant `sent`.
    fn pushed(&mut self, push: &Push, sent: u64) {
        let near = |a: u64, b: u64| a.abs_diff(b) <= TOLERANCE;
        assert_eq!(push.keys(), CHOICES[self.choice]);
        for key in push.keys() {
            if key == "_meta" {
                assert_eq!(push.number(key, "seq"), Some(self.seq));
                continue;
            }
            let to = push.number(key, "to").unwrap();
            assert!(near(to, sent), "{key} is of {to}, sent at {sent}");
            let chosen = self.chosen[key];
            match push.number(key, "from") {
                // Two pushes within half a slot, the first one late, share a reading: its window
                // stands for both.
                Some(from) if sent - chosen > TOLERANCE && sent - self.last_push > TOLERANCE => {
                    let right = near(from, self.last_push) || near(from, chosen);
                    assert!(
                        right,
                        "{key} from {from}, last push {}, chosen {chosen}",
                        self.last_push
                    );
                }
                None => assert!(
                    sent - chosen <= TOLERANCE,
                    "{key} without a window at {sent}, chosen {chosen}"
                ),
                Some(_) => {}
            }
        }
        self.seq += 1;
        self.last_push = sent;
        self.n += 1;
        while self.due() / 50 <= sent / 50 {
            self.n += 1;
        }
    }
}

struct Model {
    sessions: Vec<Option<Expected>>,
}

impl Model {
    /// Takes in what every client got until now. What fell due before this instant must have come
    /// in its slot; what falls due at it may.
    fn drain(&mut self, clients: &mut [Client], now: u64) {
        for (session, client) in self.sessions.iter_mut().zip(clients) {
            let pushes = client.pushes();
            let Some(session) = session else {
                assert_eq!(pushes.len(), 0, "a push to a session that is not started");
                continue;
            };
            for push in pushes {
                let due = session.due();
                assert!(due <= now, "early: due {due}, now {now}");
                session.pushed(&push, due);
            }
            assert!(
                session.due() >= now,
                "missing: due {}, now {now}",
                session.due()
            );
        }
    }

    /// The same after the process was stopped: one push for everybody who missed some.
    fn drain_after_stop(&mut self, clients: &mut [Client], now: u64) {
        for (session, client) in self.sessions.iter_mut().zip(clients) {
            let pushes = client.pushes();
            let Some(session) = session else { continue };
            assert_eq!(
                pushes.len(),
                usize::from(session.due() <= now),
                "due {}, now {now}",
                session.due()
            );
            for push in pushes {
                session.pushed(&push, now);
            }
        }
    }

    fn next_due(&self) -> Option<u64> {
        self.sessions.iter().flatten().map(Expected::due).min()
    }
}

/// Whether the sessions that are in are those that should be.
fn check(broadcaster: &Broadcaster, clients: &[Client], model: &Model) {
    let outboxes = broadcaster.subscriptions.borrow().check();
    let started = model.sessions.iter().flatten().count();
    assert_eq!((outboxes.len(), broadcaster.started()), (started, started));
    for (client, session) in clients.iter().zip(&model.sessions) {
        let is_in = outboxes
            .iter()
            .any(|outbox| Rc::ptr_eq(outbox, &client.outbox));
        assert_eq!(is_in, session.is_some());
        assert_eq!(client.outbox.subscription.get().is_some(), is_in);
    }
}

async fn play(steps: Vec<Step>) {
    let fixture = Fixture::new(&["a", "b"]);
    let mut clients = fixture.clients(SESSIONS).await;
    let mut model = Model {
        sessions: (0..SESSIONS).map(|_| None).collect(),
    };
    for step in steps {
        model.drain(&mut clients, fixture.now());
        match step {
            Step::Start(session, interval, choice) => {
                let set = fixture.set(CHOICES[choice]);
                fixture.broadcaster.start(
                    &clients[session].outbox,
                    Duration::from_millis(interval),
                    set,
                );
                model.sessions[session] = Some(Expected::new(fixture.now(), interval, choice));
            }
            Step::Stop(session) => {
                fixture.broadcaster.stop(&clients[session].outbox);
                model.sessions[session] = None;
            }
            Step::Retime(session, interval) => {
                fixture
                    .broadcaster
                    .retime(&clients[session].outbox, Duration::from_millis(interval));
                if let Some(expected) = &mut model.sessions[session] {
                    expected.retime(fixture.now(), interval);
                }
            }
            Step::Choose(session, choice) => {
                fixture
                    .broadcaster
                    .choose(&clients[session].outbox, fixture.set(CHOICES[choice]));
                if let Some(expected) = &mut model.sessions[session] {
                    expected.choose(fixture.now(), choice);
                }
            }
            Step::Wait(time) => fixture.wait_ms(time).await,
            Step::WaitForSlot => {
                let due = model.next_due().unwrap_or(0);
                fixture.sleep_ms(due.saturating_sub(fixture.now())).await;
            }
            Step::Yield(rounds) => fixture.wait(rounds).await,
            Step::StopProcess(time) => {
                fixture.wait(20).await;
                model.drain(&mut clients, fixture.now());
                fixture.stop_for(Duration::from_millis(time)).await;
                fixture.wait(20).await;
                model.drain_after_stop(&mut clients, fixture.now());
            }
        }
        check(&fixture.broadcaster, &clients, &model);
    }
    for plugin in [0, 1] {
        let reads = fixture.slots_read(plugin);
        assert!(
            reads.windows(2).all(|pair| pair[0] < pair[1]),
            "read twice in a slot: {reads:?}"
        );
    }
    for client in &clients {
        fixture.broadcaster.stop(&client.outbox);
    }
    fixture.wait(20).await;
    assert_eq!(fixture.broadcaster.plugins(), "", "still watched");
    assert_eq!(fixture.broadcaster.subscriptions.borrow().lists(), 0);
}

proptest! {
    #[test]
    fn everybody_gets_what_is_due(steps in prop::collection::vec(step(), 0..120)) {
        run(play(steps));
    }
}

/// Found by the sequences above: the readings of the first start were forgotten between it and the
/// second, and a second push within half a slot after a stop of the process then had no window.
#[test]
fn a_second_start_in_one_slot_keeps_its_window() {
    use Step::{Start, StopProcess, Wait};
    run(play(vec![
        Wait(313),
        Start(5, 500, 1),
        Start(5, 777, 1),
        StopProcess(23_312),
        Wait(24),
        Start(0, 500, 0),
    ]));
}
