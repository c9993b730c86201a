//! What good programs print, and how it arrives.

use serde_json::{Value, json};

use rtstat_test_support::{Client, Rtstatd, wait_until};

use super::definitions::{Folder, watch};

const COUNTING: &str = r#"
command = 'n=0; while :; do n=$((n+1)); echo "{\"n\":$n}"; sleep 0.1; done'
mode = "stream"
interval = 0.5
"#;

#[test]
fn once_and_stream_become_keys_of_the_push() {
    let folder = Folder::new();
    folder.define(
        "queue",
        "command = 'echo \"{ \\\"value\\\": 42 }\"'\ninterval = 0.5\nunit = 'jobs'\nmax = 100\nwarn = 80",
    );
    folder.define("counting", COUNTING);
    let server = folder.serve();
    let mut client = watch(&server, "queue,counting");
    let info = client.info();
    let queue = json!({"kind": "gauge", "unit": "jobs", "min_interval": 0.5, "default": false, "max": 100.0, "warn": 80.0});
    assert_eq!(info["plugins"]["queue"], queue);
    let push = client.push_with(|push| push["queue"].is_object() && push["counting"].is_object());
    assert_eq!(push["queue"], json!({"value": 42}));
    let first = push["counting"]["n"].as_u64().unwrap();
    // The child lives on, and its newest line counts.
    let later = client.push_with(|push| {
        push["counting"]["n"]
            .as_u64()
            .is_some_and(|n| n > first + 5)
    });
    assert!(later["counting"]["n"].as_u64() > Some(first));
    drop(client);
    folder.wait_for_no_children();
}

#[test]
fn strings_arrive_as_they_were_printed() {
    let folder = Folder::new();
    folder.define(
        "text",
        r#"command = ['printf', '%s\n', '{"a": "x::y \\ \" \n é :"}']"#,
    );
    folder.define("list", "command = 'printf \"[1,\\n 2]\\n\"'");
    let server = folder.serve();
    let mut client = watch(&server, "text,list");
    let push = client.push_with(|push| !push["text"].is_null() && !push["list"].is_null());
    assert_eq!(push["text"], json!({"a": "x::y \\ \" \n é :"}));
    assert_eq!(push["list"], json!([1, 2]));
}

#[test]
fn default_plugins_are_in_every_push() {
    let folder = Folder::new();
    folder.define("always", "command = 'echo 1'\ndefault = true");
    let server = folder.serve();
    let mut client = Client::connect(server.address());
    client.send("interval::0.5\nstart\n");
    let push = client.push_with(|push| !push["always"].is_null());
    assert_eq!(push["always"], 1);
    assert!(push["cpu_stat"].is_object());
}

#[test]
fn without_a_folder_there_are_the_other_keys() {
    let server = Rtstatd::start(&["raw"], &[]);
    let info = Client::connect(server.address()).info();
    assert_eq!(info["plugins"]["uptime"]["kind"], "gauge", "{info}");
}

#[test]
fn a_wrong_definition_is_told_and_left_out() {
    let folder = Folder::new();
    folder.define("good", "command = 'echo 1'");
    folder.define("cpu", "command = 'echo 1'");
    folder.define("b c", "command = 'echo 1'");
    folder.define("bad", "comand = 'echo 1'");
    let server = folder.serve();
    let mut client = Client::connect(server.address());
    let info = client.info();
    assert!(
        info["plugins"]["good"].is_object() && info["plugins"]["bad"].is_null(),
        "{info}"
    );
    assert_eq!(
        info["plugins"]["cpu"]["unit"], "ratio",
        "the built-in key stays"
    );
    let log = server.log();
    for line in [
        "bad.toml:1: unknown key comand; the nearest known key is command",
        "cpu.toml: the name cpu is taken by a built-in key: rename the file",
        "b c.toml: a plugin's name has 1 to 64 letters",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
}

/// Twenty plugins of which five misbehave: the client's pushes come as if there were none of them.
#[test]
fn bad_plugins_delay_nobody() {
    const BAD: [(&str, &str); 5] = [
        (
            "hang",
            "command = 'sleep 1000'\ntimeout = 0.3\ninterval = 0.5",
        ),
        (
            "deaf",
            "command = 'trap \"\" TERM; while :; do sleep 1; done'\ntimeout = 0.3\ninterval = 0.5",
        ),
        ("noise", "command = 'yes >&2'\ninterval = 0.5"),
        ("flood", "command = 'yes'\nmode = 'stream'\ninterval = 0.5"),
        ("crash", "command = 'kill -SEGV $$'\ninterval = 0.5"),
    ];
    let folder = Folder::new();
    let mut names = vec!["_meta".to_owned()];
    for n in 0..15 {
        folder.define(&format!("good{n}"), "command = 'echo 1'\ninterval = 0.5");
        names.push(format!("good{n}"));
    }
    for (name, text) in BAD {
        folder.define(name, text);
        names.push(name.to_owned());
    }
    let server = folder.serve();
    let mut client = watch(&server, &names.join(","));
    let pushes: Vec<Value> = (0..24).map(|_| client.push()).collect();
    let number = |push: &Value, key: &str| push["_meta"][key].as_f64().unwrap();
    for pair in pushes.windows(2) {
        assert_eq!(
            number(&pair[1], "seq"),
            number(&pair[0], "seq") + 1.0,
            "a push is missing"
        );
        // The window that the server measured: a push that had waited for a plugin would cover
        // more.
        let window = number(&pair[1], "dt");
        assert!(window < 0.75, "{window}");
    }
    let last = client.push_with(|push| {
        BAD.iter()
            .all(|(name, _)| push["_meta"]["err"][name].is_string())
    });
    for (name, _) in BAD {
        assert!(last[name].is_null(), "{name}: {last}");
    }
    for n in 0..15 {
        assert_eq!(last[format!("good{n}")], 1, "{last}");
    }
    // One line for each that fails, not one for each failure.
    wait_until("the journal has a line for each", || {
        BAD.iter()
            .all(|(name, _)| server.log().contains(&format!("plugin {name}: failed")))
    });
    for (name, _) in BAD {
        assert_eq!(
            server
                .log()
                .matches(&format!("plugin {name}: failed"))
                .count(),
            1,
            "{}",
            server.log()
        );
    }
    drop(client);
    folder.wait_for_no_children();
    let threads = format!("/proc/{}/task", server.pid());
    wait_until("the workers are gone", || {
        std::fs::read_dir(&threads).unwrap().count() <= 2
    });
}
