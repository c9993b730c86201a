//! What a reload makes of definitions that were added, changed, broken and taken away.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;

use rtstat_test_support::{Client, Rtstatd, wait_until};

use super::definitions::{Folder, watch};

/// Has the program reload, and waits until it has done so for the `time`th time.
fn reload(server: &Rtstatd, time: usize) {
    kill(
        Pid::from_raw(i32::try_from(server.pid()).unwrap()),
        Signal::SIGHUP,
    )
    .unwrap();
    wait_until("it has reloaded", || {
        server.log().matches("configuration reloaded").count() == time
    });
}

#[test]
fn an_added_plugin_is_offered_and_in_the_next_sessions_pushes_where_it_is_a_default() {
    let folder = Folder::new();
    folder.define("good", "command = 'echo 1'");
    let server = folder.serve();
    let mut before = watch(&server, "good");
    before.push_with(|push| push["good"] == 1);
    folder.define("more", "command = 'echo 2'\ndefault = true");
    folder.define("bad", "comand = 'echo 1'");
    reload(&server, 1);
    assert!(
        server.log().contains("bad.toml:1: unknown key comand"),
        "{}",
        server.log()
    );
    let mut after = Client::connect(server.address());
    let info = after.info();
    assert_eq!(info["plugins"]["more"]["default"], true, "{info}");
    assert!(
        info["plugins"]["good"].is_object() && info["plugins"]["bad"].is_null(),
        "{info}"
    );
    after.send("interval::0.5\nstart\n");
    let push = after.push_with(|push| push["more"] == 2);
    assert!(
        push["cpu_stat"].is_object() && push["good"].is_null(),
        "{push}"
    );
    // Who was there goes on, and may choose it.
    assert_eq!(before.push(), json!({"good": 1}));
    before.send("plugins::more,good\n");
    before.push_with(|push| *push == json!({"good": 1, "more": 2}));
}

#[test]
fn a_changed_plugin_is_run_anew_and_the_others_go_on() {
    let folder = Folder::new();
    let stream = |what: &str| {
        format!("command = 'echo {what}; exec sleep 1000'\nmode = 'stream'\ntimeout = 900")
    };
    folder.define("same", &stream("$$"));
    folder.define("other", &stream("1"));
    let server = folder.serve();
    let mut client = watch(&server, "_meta,other,same");
    let same = client.push_with(|push| push["other"] == 1 && push["same"].is_u64())["same"].clone();
    folder.define("other", &stream("2"));
    reload(&server, 1);
    let push = client.push_with(|push| push["other"] == 2);
    assert_eq!(
        (&push["same"], &push["_meta"]["err"]),
        (&same, &json!({})),
        "{push}"
    );
    wait_until("the former program is gone", || {
        folder.children().len() == 2
    });
    // Nothing has changed: nothing happens.
    reload(&server, 2);
    let children = folder.children();
    client.push();
    assert_eq!(
        (client.push()["same"].clone(), folder.children()),
        (same, children)
    );
    drop(client);
    folder.wait_for_no_children();
}

#[test]
fn a_plugin_that_was_taken_away_is_null_for_who_has_it_and_unknown_to_others_until_it_is_back() {
    let folder = Folder::new();
    folder.define(
        "gone",
        "command = 'echo 1; exec sleep 1000'\nmode = 'stream'\ntimeout = 900\ndefault = true",
    );
    folder.define("stays", "command = 'echo 2'");
    let server = folder.serve();
    let mut client = watch(&server, "_meta,gone,stays");
    client.push_with(|push| push["gone"] == 1 && push["stays"] == 2);
    std::fs::remove_file(folder.path().join("gone.toml")).unwrap();
    reload(&server, 1);
    let push = client.push_with(|push| push["gone"].is_null());
    assert_eq!(
        push["_meta"]["err"],
        json!({"gone": "it is not offered any more"}),
        "{push}"
    );
    folder.wait_for_no_children();
    let mut other = Client::connect(server.address());
    assert!(other.info()["plugins"]["gone"].is_null());
    other.send("plugins::gone\ninterval::0.5\nstart\n");
    let mut line = String::new();
    while !line.starts_with("Error::") {
        line = other.line().trim_end().to_owned();
    }
    assert_eq!(line, "Error::Unknown plugin");
    assert_eq!(
        other.push().as_object().unwrap().len(),
        4,
        "it was a default"
    );
    // Whoever kept it in the choice gets it again.
    folder.define("gone", "command = 'echo 3'");
    reload(&server, 2);
    let push = client.push_with(|push| push["gone"] == 3);
    assert_eq!(
        (&push["stays"], &push["_meta"]["err"]),
        (&json!(2), &json!({})),
        "{push}"
    );
    other.send("plugins::gone\n");
    other.push_with(|push| *push == json!({"gone": 3}));
}
