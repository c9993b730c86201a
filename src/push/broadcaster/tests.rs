//! The Broadcaster on a paused clock: which plugin is read when, which session gets what when.

mod fixture;
mod model;

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use crate::{
    push::broadcaster::tests::fixture::{Fixture, run},
    sampling::schedule::Slot,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn one_sample_and_one_frame_serve_a_slot_however_many_watch() {
    for count in [1, 100, 500, 1500] {
        run(async {
            let fixture = Fixture::new(&["a", "b"]);
            let mut clients = fixture.clients(count).await;
            let set = fixture.set(&["a", "b"]);
            for client in &clients {
                fixture.broadcaster.start(&client.outbox, SECOND, set);
            }
            fixture.wait_ms(5050).await;
            for (index, client) in clients.iter_mut().enumerate() {
                assert_eq!(client.pushes().len(), 5, "client {index} of {count}");
            }
            for plugin in [0, 1] {
                let reads = fixture.slots_read(plugin);
                assert_eq!(reads, [0, 21, 41, 61, 81, 101].map(Slot), "{count} clients");
            }
            assert_eq!(fixture.broadcaster.frames.encoded(), 5, "{count} clients");
        });
    }
}

#[test]
fn many_intervals_cost_twenty_samples_a_second() {
    run(async {
        let fixture = Fixture::new(&["a"]);
        let clients = fixture.clients(200).await;
        let set = fixture.set(&["a"]);
        for (index, client) in (0..).zip(&clients) {
            fixture
                .broadcaster
                .start(&client.outbox, Duration::from_millis(500 + 7 * index), set);
            fixture.wait_ms(3).await;
        }
        fixture.wait_ms(10_000).await;
        let reads = fixture.slots_read(0);
        assert!(
            reads.windows(2).all(|pair| pair[0] < pair[1]),
            "twice in a slot: {reads:?}"
        );
        let busiest = reads.iter().map(|from| {
            reads
                .iter()
                .filter(|slot| (from.0..from.0 + 20).contains(&slot.0))
                .count()
        });
        assert_eq!(busiest.max(), Some(20));
    });
}

#[test]
fn each_client_sees_its_own_window() {
    run(async {
        let fixture = Fixture::new(&["a"]);
        let mut clients = fixture.clients(2).await;
        let set = fixture.set(&["a"]);
        fixture
            .broadcaster
            .start(&clients[0].outbox, Duration::from_millis(500), set);
        fixture
            .broadcaster
            .start(&clients[1].outbox, 10 * SECOND, set);
        for millisecond in 0..10_050 {
            // A load of one second: a unit each millisecond.
            if (4000..5000).contains(&millisecond) {
                fixture.probes[0].work.fetch_add(1, SeqCst);
            }
            fixture.wait_ms(1).await;
        }
        let work: Vec<_> = clients[0]
            .pushes()
            .iter()
            .map(|push| push.number("a", "work").unwrap())
            .collect();
        assert_eq!(work.len(), 20);
        assert_eq!(work.iter().sum::<u64>(), 1000);
        let busy: Vec<_> = work.iter().copied().filter(|work| *work > 0).collect();
        assert!(
            matches!(busy[..], [0..=50, 500, 450..=500] | [500, 500]),
            "{busy:?}"
        );
        let slow = clients[1].pushes();
        assert_eq!(
            slow.iter()
                .map(|push| push.number("a", "work"))
                .collect::<Vec<_>>(),
            [Some(1000)]
        );
    });
}

#[test]
fn pushes_neither_come_early_nor_drift() {
    run(async {
        let fixture = Fixture::new(&["a"]);
        let mut clients = fixture.clients(1).await;
        fixture.wait_ms(12).await;
        let start = fixture.now();
        fixture.broadcaster.start(
            &clients[0].outbox,
            Duration::from_millis(777),
            fixture.set(&["a"]),
        );
        for n in 1..=500 {
            while fixture.now() < start + n * 777 {
                assert_eq!(clients[0].pushes().len(), 0, "push {n} is early");
                fixture
                    .wait_ms((start + n * 777 - fixture.now()).min(350))
                    .await;
            }
            fixture.wait_ms(49).await;
            assert_eq!(clients[0].pushes().len(), 1, "push {n} is late");
        }
    });
}

#[test]
fn what_a_stop_missed_is_left_out() {
    run(async {
        let fixture = Fixture::new(&["a"]);
        let mut clients = fixture.clients(2).await;
        let set = fixture.set(&["a"]);
        fixture
            .broadcaster
            .start(&clients[0].outbox, Duration::from_millis(500), set);
        fixture
            .broadcaster
            .start(&clients[1].outbox, 7 * SECOND, set);
        fixture.wait_ms(600).await;
        assert_eq!(clients[0].pushes().len(), 1);
        fixture.stop_for(30 * SECOND).await;
        fixture.wait(10).await;
        assert_eq!(
            clients
                .iter_mut()
                .map(|client| client.pushes().len())
                .collect::<Vec<_>>(),
            [1, 1]
        );
        fixture.wait_ms(1000).await;
        assert_eq!(
            clients
                .iter_mut()
                .map(|client| client.pushes().len())
                .collect::<Vec<_>>(),
            [2, 0]
        );
    });
}

#[test]
fn between_two_late_slots_the_others_have_their_turn() {
    run(async {
        let fixture = Fixture::new(&["a"]);
        let mut clients = fixture.clients(2).await;
        for (client, interval) in clients.iter().zip([500, 600]) {
            fixture.broadcaster.start(
                &client.outbox,
                Duration::from_millis(interval),
                fixture.set(&["a"]),
            );
        }
        fixture.stop_for(5 * SECOND).await;
        let mut came = Vec::new();
        for _ in 0..10 {
            came.push(
                clients
                    .iter_mut()
                    .map(|client| client.pushes().len())
                    .sum::<usize>(),
            );
            fixture.wait(1).await;
        }
        assert_eq!(
            (came.iter().sum::<usize>(), came.iter().max()),
            (2, Some(&1)),
            "{came:?}"
        );
    });
}

#[test]
fn nobody_started_nothing_runs() {
    run(async {
        let fixture = Fixture::new(&["a"]);
        let clients = fixture.clients(100).await;
        let set = fixture.set(&["a"]);
        for client in &clients {
            fixture.broadcaster.start(&client.outbox, SECOND, set);
        }
        fixture.wait_ms(2500).await;
        for client in &clients {
            fixture.broadcaster.stop(&client.outbox);
        }
        let reads = fixture.slots_read(0).len();
        fixture.wait_ms(3_600_000).await;
        assert_eq!(fixture.slots_read(0).len(), reads);
        assert_eq!(fixture.broadcaster.plugins(), "");
        assert_eq!(fixture.broadcaster.subscriptions.borrow().lists(), 0);
    });
}

#[test]
fn a_crowd_that_left_leaves_no_lists_behind() {
    run(async {
        let fixture = Fixture::new(&["a"]);
        let clients = fixture.clients(2000).await;
        let set = fixture.set(&["a"]);
        for client in &clients {
            fixture.broadcaster.start(&client.outbox, SECOND, set);
        }
        fixture.wait_ms(3000).await;
        for client in &clients[1..] {
            fixture.broadcaster.stop(&client.outbox);
        }
        fixture.wait_ms(3000).await;
        let capacity = fixture.broadcaster.subscriptions.borrow().capacity();
        assert!(capacity < 600, "{capacity}");
    });
}

#[test]
fn a_failing_plugin_keeps_its_last_value_for_three_windows() {
    run(async {
        let fixture = Fixture::new(&["a", "meminfo"]);
        let mut clients = fixture.clients(1).await;
        fixture
            .broadcaster
            .start(&clients[0].outbox, SECOND, fixture.set(&["a", "meminfo"]));
        fixture.wait_ms(2500).await;
        assert!(clients[0].pushes().iter().all(|push| !push.is_null("a")));
        for probe in &fixture.probes {
            probe.fails.store(true, SeqCst);
        }
        fixture.wait_ms(6000).await;
        let pushes = clients[0].pushes();
        let nulls = |key| {
            pushes
                .iter()
                .map(|push| push.is_null(key))
                .collect::<Vec<_>>()
        };
        assert_eq!(nulls("a"), [false, false, false, true, true, true]);
        assert_eq!(
            nulls("meminfo"),
            [false; 6],
            "a key of the original keeps its last value"
        );
        assert!(
            pushes
                .iter()
                .all(|push| push.number("meminfo", "to") == Some(2050))
        );
        for probe in &fixture.probes {
            probe.fails.store(false, SeqCst);
        }
        fixture.wait_ms(2000).await;
        assert!(clients[0].pushes().iter().all(|push| !push.is_null("a")));
    });
}

#[test]
fn a_choice_made_while_its_list_is_sent_has_its_figures() {
    run(async {
        let fixture = Fixture::new(&["a", "b"]);
        let mut clients = fixture.clients(20).await;
        for client in &clients {
            fixture
                .broadcaster
                .start(&client.outbox, SECOND, fixture.set(&["a"]));
        }
        let mut caught = false;
        fixture.sleep_ms(1050 - fixture.now()).await;
        for _ in 0..20 {
            fixture.wait(1).await;
            let first = fixture.broadcaster.subscriptions.borrow().first_slot();
            if first == Some(Slot(21)) && !clients[0].pushes().is_empty() {
                fixture
                    .broadcaster
                    .choose(&clients[19].outbox, fixture.set(&["a", "b"]));
                caught = true;
            }
        }
        assert!(caught, "the list was not sent in batches");
        let pushes = clients[19].pushes();
        assert_eq!(
            pushes
                .iter()
                .map(|push| push.keys().join(" "))
                .collect::<Vec<_>>(),
            ["a b"]
        );
        assert!(!pushes[0].is_null("b"));
    });
}
