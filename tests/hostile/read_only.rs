//! Read-only, provably: the running program's own status, and every system call that it makes under
//! full use.

use std::{collections::BTreeSet, fs, process::Command};

use rtstat_test_support::{ChildInTime, Client, Rtstatd, eventually, websocket::masked};

use nix::sys::signal::Signal;
/// Calls that an agent may make once it listens: files read, sockets it was connected to, time,
/// memory, threads, signals and the log. Nothing that writes a file, starts a program, connects out
/// or changes the system.
const ALLOWED: &[&str] = &[
    // Files and folders, read. What `openat` opens them for is checked below.
    "openat",
    "read",
    "pread64",
    "readv",
    "close",
    "fstat",
    "newfstatat",
    "statx",
    "stat",
    "lstat",
    "statfs",
    "fstatfs",
    "lseek",
    "getdents64",
    "readlink",
    "readlinkat",
    "access",
    "faccessat2",
    "fcntl",
    "dup",
    "ioctl",
    "getcwd",
    // Connections that others made, and the log.
    "accept4",
    "recvfrom",
    "sendto",
    "sendmsg",
    "recvmsg",
    "write",
    "writev",
    "getsockopt",
    "setsockopt",
    "getpeername",
    "getsockname",
    "shutdown",
    "socketpair",
    "bind",
    "socket",
    // The event loop and its threads.
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_create1",
    "eventfd2",
    "poll",
    "ppoll",
    "pipe2",
    "futex",
    "clone3",
    "clone",
    "set_robust_list",
    "rseq",
    "sched_yield",
    "sched_getaffinity",
    "prctl",
    "gettid",
    "tgkill",
    "restart_syscall",
    // Time, memory, signals, what machine this is, the end.
    "clock_gettime",
    "clock_nanosleep",
    "nanosleep",
    "brk",
    "mmap",
    "munmap",
    "mprotect",
    "mremap",
    "madvise",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    "getrandom",
    "uname",
    "sysinfo",
    "getpid",
    "getuid",
    "geteuid",
    "getrusage",
    "prlimit64",
    "exit",
    "exit_group",
];

fn trace(line: &str) -> Option<(&str, &str)> {
    // `[pid 7] openat(AT_FDCWD, …` or `7 openat(…`; signals and exits begin otherwise.
    let call = line.trim_start_matches(|char: char| char.is_ascii_digit() || char == ' ');
    let call = call.strip_prefix("<... ").unwrap_or(call);
    let (name, rest) = call.split_once(['(', ' '])?;
    name.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        .then_some((name, rest))
}

#[test]
fn under_full_use_nothing_is_written_and_nobody_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Rtstatd::start_as_this_user(&["ws", "raw"], &["--metrics"]);
    let output = folder.path().join("trace");
    let mut strace = Command::new("strace")
        .args(["-f", "-qq", "-s", "200", "-o"])
        .arg(&output)
        .args(["-p", &agent.pid().to_string()])
        .spawn()
        .expect("strace: tests/run installs it");
    eventually("the tracer", || {
        (agent.status_field("TracerPid") != "0").then_some(())
    });

    let (raw, ws) = (agent.listener("raw"), agent.listener("ws"));
    let mut client = Client::connect(raw);
    client.send("info\n");
    client.line();
    let info = client.line();
    let info: serde_json::Value =
        serde_json::from_str(info.strip_prefix("Info::").unwrap()).unwrap();
    let plugins: Vec<&str> = info["plugins"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    client.send(format!(
        "plugins::{}\ninterval::0.5\nstart\n",
        plugins.join(",")
    ));
    let mut session = Client::upgrade(ws, "Host: localhost\r\n");
    session.head();
    session.text();
    session.send(
        [
            masked(0x81, b"interval::0.5"),
            masked(0x81, b"start"),
            masked(0x89, b"ping"),
        ]
        .concat(),
    );
    for _ in 0..3 {
        assert!(client.line().starts_with("Push::"));
    }
    for path in ["/", "/js/main.js", "/metrics", "/none"] {
        let mut page = Client::connect(ws);
        page.send(format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        ));
        assert!(page.head().starts_with("HTTP/1.1 "));
        page.rest();
    }
    client.send("no such command\nauth::x\nstop\nversion\nquit\n");
    client.rest();
    agent.signal(Signal::SIGHUP);
    agent.logged("configuration reloaded");
    assert_eq!(agent.end(Signal::SIGTERM).code(), Some(0));
    strace.wait_in_time().unwrap();

    let text = fs::read_to_string(&output).unwrap();
    let (mut seen, mut outside) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        let Some((name, rest)) = trace(line) else {
            continue;
        };
        seen.insert(name);
        if !ALLOWED.contains(&name) {
            outside.insert(name);
        }
        for flag in ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"] {
            assert!(
                name != "openat" || !rest.contains(flag),
                "opened for writing: {line}"
            );
        }
        // The one socket that it makes itself asks the kernel, or the service manager on this
        // machine.
        assert!(
            name != "socket" || rest.starts_with("AF_UNIX") || rest.starts_with("AF_NETLINK"),
            "{line}"
        );
    }
    let expected = ["accept4", "openat", "pread64", "epoll_ctl"];
    assert!(
        expected.iter().all(|name| seen.contains(name)),
        "not everything was traced: {seen:?}"
    );
    assert!(outside.is_empty(), "calls outside the list: {outside:?}");
}

#[test]
fn the_process_says_the_same_of_itself() {
    let agent = Rtstatd::start_as_this_user(&["raw"], &[]);
    // What the tests were started with is inherited.
    let links = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let inherited: BTreeSet<_> = links.collect();
    let open = fs::read_dir(format!("/proc/{}/fdinfo", agent.pid())).unwrap();
    for entry in open {
        let entry = entry.unwrap();
        let info = fs::read_to_string(entry.path()).unwrap();
        let flags = info
            .lines()
            .find_map(|line| line.strip_prefix("flags:"))
            .unwrap();
        let flags = u32::from_str_radix(flags.trim(), 8).unwrap();
        let name = fs::read_link(format!(
            "/proc/{}/fd/{}",
            agent.pid(),
            entry.file_name().to_str().unwrap()
        ))
        .unwrap();
        // Sockets, pipes and the event loop are read and written by nature; a file is not.
        let writable =
            flags & 3 != 0 && name.is_absolute() && name != std::path::Path::new("/dev/null");
        assert!(
            !writable || inherited.contains(&name),
            "{} is open for writing",
            name.display()
        );
    }
    assert_eq!(agent.status_field("Threads"), "1");
}
