//! Figures in the documents that come from a constant are that constant's.

use super::{root, text};

/// A document, words of it with `{}` for each figure, and where the figures come from: a file below
/// `src`, a constant there, and the unit that the document counts it in.
type Row = (&'static str, &'static str, &'static [Source]);
type Source = (&'static str, &'static str, u64);

/// Durations are read in milliseconds.
const SECOND: u64 = 1000;
const KIB: u64 = 1024;

const SECURITY: &str = "SECURITY.md";
const MAP: &str = "src/lib.rs";

const ROWS: &[Row] = &[
    (
        SECURITY,
        "| message | {} bytes,",
        &[("protocol/decode.rs", "MAX_MESSAGE", 1)],
    ),
    (
        SECURITY,
        "| HTTP request head | {} s, {} KiB |",
        &[
            ("http/connection.rs", "HEAD", SECOND),
            ("http/request.rs", "MAX_HEAD", KIB),
        ],
    ),
    (
        SECURITY,
        "| an HTTP answer that is not read | {} s without",
        &[("http/connection.rs", "BLOCKED", SECOND)],
    ),
    (
        SECURITY,
        "| TLS handshake, PROXY header | {} s; {} unfinished",
        &[
            ("net/admission.rs", "DEADLINE", SECOND),
            ("net/admission.rs", "MAX_UNFINISHED", 1),
        ],
    ),
    (
        SECURITY,
        "| sessions without their token | {} s; {} at a time",
        &[
            ("session/supervisor.rs", "AUTH_DEADLINE", SECOND),
            ("session/supervisor.rs", "MAX_WAITING", 1),
        ],
    ),
    (
        SECURITY,
        "| wrong tokens | {} in a session",
        &[("protocol/session.rs", "MAX_AUTH_FAILURES", 1)],
    ),
    (
        SECURITY,
        "| wrong tokens from one address | {} in a minute | each further answer there waits {} s |",
        &[
            ("session/tokens.rs", "FREE_FAILURES", 1),
            ("session/tokens.rs", "PENALTY", SECOND),
        ],
    ),
    (
        SECURITY,
        "| pings | {} answers at once",
        &[("session/websocket.rs", "PONGS", 1)],
    ),
    (
        SECURITY,
        "not read | {} KiB of answers, {} KiB of commands",
        &[
            ("push/outbox.rs", "CONGESTED", KIB),
            ("net/stream.rs", "READ", KIB),
        ],
    ),
    (
        SECURITY,
        "kernel's part | {} s without a byte taken",
        &[("session/write_loop.rs", "BLOCKED", SECOND)],
    ),
    (
        SECURITY,
        "| found within {} s |",
        &[("server/accept.rs", "UNACKNOWLEDGED_MS", SECOND)],
    ),
    (
        SECURITY,
        "| a push | {} MB |",
        &[("sampling/snapshot.rs", "MAX_PUSH", 1_000_000)],
    ),
    (
        SECURITY,
        "| the journal | {} lines of a kind at once, then one a second |",
        &[("system/rate_limit.rs", "LINE_BURST", 1)],
    ),
    (
        SECURITY,
        "| time | connections have {} ms of each turn",
        &[("system/fair_share.rs", "LENGTH", 1)],
    ),
    (
        SECURITY,
        "accepting pauses for {} ms at a time",
        &[("server/accept.rs", "BACK_OFF", 1)],
    ),
    (
        MAP,
        "the {} ms slot",
        &[("sampling/schedule.rs", "SLOT", 1)],
    ),
    (
        MAP,
        "has {} ms of a turn",
        &[("system/fair_share.rs", "LENGTH", 1)],
    ),
    (
        MAP,
        "at most {} in either",
        &[("system/deadline_pool.rs", "MAX_PENDING", 1)],
    ),
    (
        MAP,
        "{} KiB of answers beyond which its commands are not read, {} KiB in the kernel's queue and \
         one write of at most {} KiB more, and {} s without reading",
        &[
            ("push/outbox.rs", "CONGESTED", KIB),
            ("net/socket.rs", "SESSION_SEND", KIB),
            ("net/socket.rs", "LONGEST_WRITE", KIB),
            ("session/write_loop.rs", "BLOCKED", SECOND),
        ],
    ),
    (
        "man/rtstat-protocol.7",
        "A message of more than {} bytes",
        &[("protocol/decode.rs", "MAX_MESSAGE", 1)],
    ),
    (
        "man/rtstat-protocol.7",
        "above {} it",
        &[("protocol/command.rs", "MAX_INTERVAL_SECS", 1)],
    ),
    (
        "docs/architecture.md",
        "at most {} calls hang",
        &[("system/deadline_pool.rs", "MAX_PENDING", 1)],
    ),
    (
        "docs/architecture.md",
        "takes none for {} s",
        &[("session/write_loop.rs", "BLOCKED", SECOND)],
    ),
    (
        "docs/architecture.md",
        "SIGTERM, {} ms, then SIGKILL",
        &[("plugins/exec/child.rs", "GRACE", 1)],
    ),
    (
        "docs/architecture.md",
        "doubled up to {} s",
        &[("plugins/exec/backoff.rs", "MAX_PAUSE", SECOND)],
    ),
];

/// The value of a constant in a file below `src`; a duration in milliseconds.
fn constant(file: &str, name: &str) -> u64 {
    let source = std::fs::read_to_string(root().join("src").join(file)).unwrap();
    let declared = source.split_once(&format!("const {name}: "));
    let (_, rest) = declared.unwrap_or_else(|| panic!("no {name} in {file}"));
    let (declaration, _) = rest.split_once(';').unwrap();
    let (_, value) = declaration.split_once(" = ").unwrap();
    let (factor, product) = match value.trim_end_matches(')').split_once("Duration::from_") {
        None => (1, value),
        Some((_, call)) => match call.split_once('(').unwrap() {
            ("secs", argument) => (SECOND, argument),
            ("millis", argument) => (1, argument),
            (unit, _) => panic!("{file}: {name}: a duration from {unit}"),
        },
    };
    let number = |text: &str| -> u64 {
        let digits = text.trim().trim_end_matches(".0").replace('_', "");
        digits
            .parse()
            .unwrap_or_else(|_| panic!("{file}: {name} = {value}"))
    };
    product.split('*').map(number).product::<u64>() * factor
}

/// The words with single blanks, without the comment marks of source code.
fn words(text: &str) -> String {
    let plain = text.split_whitespace().filter(|word| *word != "//!");
    plain.collect::<Vec<_>>().join(" ")
}

#[test]
fn figures_in_the_documents_are_those_of_the_code() {
    for (document, sentence, sources) in ROWS {
        let mut expected = (*sentence).to_owned();
        for (file, name, unit) in *sources {
            let value = constant(file, name);
            assert_eq!(
                value % unit,
                0,
                "{file}: {name} = {value} is no multiple of {unit}"
            );
            expected = expected.replacen("{}", &(value / unit).to_string(), 1);
        }
        assert!(
            !expected.contains("{}"),
            "{document}: {sentence}: too few sources"
        );
        assert!(
            words(&text(document)).contains(&expected),
            "{document} does not say: {expected}"
        );
    }
}
