//! Conversations as tables, then random ones against a model.

use proptest::prelude::*;

use super::*;

fn catalog(name: &str) -> Option<usize> {
    ["cpu_stat", "meminfo", "processes", "uptime", "net"]
        .iter()
        .position(|&known| known == name)
}

fn set(indexes: &[usize]) -> PluginSet {
    indexes.iter().copied().collect()
}

fn granted() -> Verdict {
    Verdict::Granted {
        name: "default".into(),
    }
}

/// Says what came out, one word an action, so that a conversation reads as a table.
fn words(actions: Actions<'_>) -> String {
    let words: Vec<_> = actions
        .into_iter()
        .map(|action| match action {
            Action::Reply(Reply::Error(text)) => text.as_str().to_owned(),
            Action::Reply(reply) => format!("{reply:?}"),
            Action::Authorize(token) => {
                format!("authorize {}", String::from_utf8_lossy(token.as_bytes()))
            }
            Action::Start { interval } => format!("start {interval:?}"),
            Action::Stop => "stop".into(),
            Action::Retime(interval) => format!("retime {interval:?}"),
            Action::Choose(set) => format!("choose {:?}", set.iter().collect::<Vec<_>>()),
            Action::Info => "info".into(),
            Action::Close(reason) => format!("close {reason:?}"),
        })
        .collect();
    words.join(", ")
}

/// Plays a conversation; the token is `secret`, and `(full)` in a token stands for no free slot.
fn play(session: &mut Session, lines: &[(&str, &str)]) {
    for &(line, expected) in lines {
        let mut got = Vec::new();
        for action in session.receive(line.as_bytes(), &catalog) {
            if let Action::Authorize(token) = action {
                let verdict = match token.as_bytes() {
                    b"secret" => granted(),
                    b"(full)" => Verdict::Full,
                    _ => Verdict::Wrong,
                };
                got.push(words(session.authorized(verdict)));
            } else {
                got.push(words(action.into()));
            }
        }
        assert_eq!(got.join(", "), expected, "after {line:?}");
    }
}

#[test]
fn without_a_token_everything_works_and_auth_fails() {
    let mut session = Session::new(false, set(&[0, 1, 2, 3]));
    play(
        &mut session,
        &[
            ("version", "Version"),
            ("", "Unknown message"),
            ("   ", "Unknown command"),
            (
                "auth",
                "Auth command has 1 required parameter: string token (not set)",
            ),
            ("start", "Interval is not set"),
            ("stop", "Not started"),
            (
                "interval::bad",
                "Interval command has 1 required parameter: int interval (not positive float)",
            ),
            (
                "interval::0.4",
                "Interval command has must be equal or greater than 0.5",
            ),
            ("start", "Interval is not set"),
            ("interval::3", ""),
            ("start::", "start 3s"),
            ("start", "Already started"),
            ("interval::0.5", "retime 500ms"),
            (
                "interval::x",
                "Interval command has 1 required parameter: int interval (not positive float)",
            ),
            ("interval::1e9", "retime 86400s"),
            ("stop", "stop"),
            ("stop", "Not started"),
            ("start", "start 86400s"),
            ("info", "info"),
            ("\u{ff}", "Unknown command"),
        ],
    );
    // No number of attempts closes a session that needs no token.
    for _ in 0..100 {
        play(&mut session, &[("auth::secret", "Auth failed")]);
    }
    assert!(session.is_pushing() && session.is_authorized() && session.token_name().is_none());
    play(
        &mut session,
        &[
            ("quit", "close Quit"),
            ("version", ""),
            ("", ""),
            ("quit", ""),
        ],
    );
}

#[test]
fn a_token_is_asked_for_before_arguments_are_looked_at() {
    let needs = "Not authorized";
    let mut session = Session::new(true, set(&[0]));
    play(
        &mut session,
        &[
            ("start", needs),
            ("stop", needs),
            ("interval", needs),
            ("interval::bad", needs),
            ("plugins::nonsense", needs),
            ("info", needs),
            ("version", "Version"),
            ("bogus", "Unknown command"),
            (
                "auth::",
                "Auth command has 1 required parameter: string token (not set)",
            ),
            ("auth::SECRET", "Auth failed"),
            ("auth::secret::extra", ""),
            ("interval::1", ""),
            ("start", "start 1s"),
            ("auth::secret", ""),
            ("interval::2", "retime 2s"),
            ("auth::wrong", "Auth failed, stop"),
            ("stop", needs),
            ("auth::secret", ""),
            ("stop", "Not started"),
            ("start", "start 2s"),
        ],
    );
    assert_eq!(session.token_name(), Some("default"));
}

#[test]
fn five_wrong_tokens_close() {
    let mut session = Session::new(true, set(&[0]));
    play(
        &mut session,
        &[
            ("auth::1", "Auth failed"),
            ("auth::2", "Auth failed"),
            ("auth::3", "Auth failed"),
            (
                "auth",
                "Auth command has 1 required parameter: string token (not set)",
            ),
            ("auth::secret", ""),
            ("auth::4", "Auth failed"),
            ("auth::5", "Auth failed, close AuthFailures"),
            ("auth::secret", ""),
            ("version", ""),
        ],
    );
    assert!(!session.is_authorized());
    assert_eq!(session.authorized(granted()), Actions::default());
    assert!(!session.is_authorized());
}

#[test]
fn a_right_token_without_a_slot_closes() {
    let mut session = Session::new(true, set(&[0]));
    play(
        &mut session,
        &[("auth::(full)", "close TooManyClients"), ("start", "")],
    );
}

#[test]
fn a_revoked_token_stops_the_push() {
    let mut session = Session::new(true, set(&[0]));
    play(
        &mut session,
        &[
            ("auth::secret", ""),
            ("interval::1", ""),
            ("start", "start 1s"),
        ],
    );
    assert_eq!(words(session.deauthorize()), "stop");
    assert_eq!(words(session.deauthorize()), "");
    play(
        &mut session,
        &[
            ("start", "Not authorized"),
            ("auth::secret", ""),
            ("start", "start 1s"),
        ],
    );
    // A token that was configured by a reload is needed from then on.
    let mut open = Session::new(false, set(&[0]));
    play(&mut open, &[("interval::1", ""), ("start", "start 1s")]);
    assert_eq!(words(open.deauthorize()), "stop");
    play(
        &mut open,
        &[
            ("start", "Not authorized"),
            ("auth::secret", ""),
            ("start", "start 1s"),
        ],
    );
}

#[test]
fn plugins_are_chosen_whole_or_not_at_all() {
    let mut session = Session::new(false, set(&[0, 1, 2, 3]));
    play(
        &mut session,
        &[
            ("plugins::net,cpu_stat", "choose [0, 4]"),
            ("plugins::uptime", "choose [3]"),
            ("plugins::bogus", "Unknown plugin"),
            ("plugins::uptime,bogus", "Unknown plugin"),
            ("plugins::uptime,uptime", "Unknown plugin"),
            ("plugins::uptime,", "Unknown plugin"),
            ("plugins::,", "Unknown plugin"),
            ("plugins::CPU_STAT", "Unknown plugin"),
            ("plugins::net::surplus", "choose [4]"),
            ("plugins", "choose [0, 1, 2, 3]"),
            ("plugins::", "choose [0, 1, 2, 3]"),
        ],
    );
}

#[test]
fn ten_thousand_names_cost_one_look_at_each_plugin() {
    let looks = std::cell::Cell::new(0);
    let counted = |name: &str| {
        looks.set(looks.get() + 1);
        catalog(name)
    };
    let mut session = Session::new(false, set(&[0]));
    let names =
        ["cpu_stat", "meminfo", "processes", "uptime", "net"].join(",") + &",net".repeat(10_000);
    let actions = session.apply(Command::Plugins(Some(names.into())), &counted);
    assert_eq!(words(actions), "Unknown plugin");
    assert_eq!(looks.get(), 6);
}

#[test]
fn what_is_no_message() {
    let mut session = Session::new(false, set(&[0]));
    assert_eq!(
        words(session.receive(b"\xff\xfe", &catalog)),
        "Message is not valid UTF-8"
    );
    assert_eq!(words(session.receive(b"\n", &catalog)), "Unknown command");
    assert_eq!(
        words(session.receive(&[b'a'; 4097], &catalog)),
        "close TooLong"
    );
    assert_eq!(words(session.receive(&[b'a'; 4097], &catalog)), "");
}

#[derive(Debug, Clone)]
enum Event {
    Bytes(Vec<u8>),
    Verdict(Verdict),
    Deauthorize,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let lines = prop::sample::select(vec![
        "auth::x",
        "auth",
        "start",
        "stop",
        "interval::1",
        "interval::bad",
        "version",
        "plugins::net",
        "plugins::a,b",
        "plugins",
        "info",
        "bogus",
        "",
    ]);
    prop::collection::vec(
        prop_oneof![
            12 => lines.prop_map(|line| Event::Bytes(line.as_bytes().to_vec())),
            1 => prop::collection::vec(any::<u8>(), 0..32).prop_map(Event::Bytes),
            1 => Just(Event::Bytes(b"quit".to_vec())),
            3 => Just(Event::Verdict(granted())),
            2 => Just(Event::Verdict(Verdict::Wrong)),
            1 => Just(Event::Verdict(Verdict::Full)),
            1 => Just(Event::Deauthorize),
        ],
        0..60,
    )
}

proptest! {
    #[test]
    fn no_push_without_authorization_and_nothing_after_a_close(required: bool, events in events()) {
        let mut session = Session::new(required, set(&[0]));
        // What an observer of the actions alone believes.
        let (mut required, mut authorized, mut pushing, mut closed, mut failures) = (required, false, false, false, 0);
        for event in &events {
            let actions = match event {
                Event::Bytes(bytes) => session.receive(bytes, &catalog),
                Event::Verdict(verdict) => {
                    let actions = session.authorized(verdict.clone());
                    if !closed {
                        authorized = match verdict {
                            Verdict::Granted { .. } => true,
                            Verdict::Wrong => { failures += 1; false }
                            Verdict::Full => authorized,
                        };
                    }
                    actions
                }
                Event::Deauthorize => {
                    (required, authorized) = (true, false);
                    session.deauthorize()
                }
            };
            for action in actions {
                prop_assert!(!closed, "{:?} after a close", action);
                match action {
                    Action::Start { .. } => {
                        prop_assert!(!pushing && (authorized || !required));
                        pushing = true;
                    }
                    Action::Stop => {
                        prop_assert!(pushing);
                        pushing = false;
                    }
                    Action::Retime(_) => prop_assert!(pushing),
                    Action::Choose(_) | Action::Info => prop_assert!(authorized || !required),
                    Action::Authorize(_) => prop_assert!(required),
                    Action::Close(_) => (closed, pushing) = (true, false),
                    Action::Reply(_) => {}
                }
            }
            prop_assert!(!pushing || authorized || !required, "pushes unauthorized");
            prop_assert!(closed || failures < 5);
            prop_assert_eq!(session.is_pushing(), pushing);
        }
    }
}
