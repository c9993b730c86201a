//! Behind the proxies that the original's README names, as Debian packages them: started here, each
//! with a configuration of its own, on ports that were free a moment ago.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
};

use rtstat_test_support::{
    ChildInTime, Rtstatd, connect, connect_unix, eventually, tcp_from, websocket::masked,
};

use super::{
    tls::Pair,
    tls_client::{BOTH, TlsClient, over},
};

const WELCOME: &str = concat!("Welcome::Rt-Stat v.", env!("CARGO_PKG_VERSION"), "\n");

/// A proxy, ended with the test.
struct Proxy {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Proxy {
    /// Starts `program` with what `configuration` makes of its folder and its address, in a file
    /// whose name follows `words`, and waits until it accepts.
    fn start(
        program: &str,
        words: &[&str],
        configuration: impl Fn(&Path, SocketAddr) -> String,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let file = folder.path().join("conf");
        fs::write(&file, configuration(folder.path(), address)).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program)
            .args(words)
            .arg(&file)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; tests/run installs it"));
        let mut proxy = Self {
            child,
            address,
            folder,
        };
        eventually(program, || {
            assert!(
                proxy.child.try_wait().unwrap().is_none(),
                "{program} ended: {}",
                proxy.log()
            );
            connect(address).ok()
        });
        proxy
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A TLS connection to it from another address than its own.
    fn connect(&self) -> TlsClient {
        over(tcp_from("127.0.0.2", self.address), BOTH, &[b"http/1.1"])
            .unwrap_or_else(|error| panic!("{error}: {}", self.log()))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.child.end();
        if std::thread::panicking() {
            eprintln!("-- the proxy's log --\n{}", self.log());
        }
    }
}

/// Greeting, start and two pushes over an upgraded connection.
fn watch(client: &mut TlsClient) {
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(client.text(), WELCOME);
    client.send([masked(0x81, b"interval::0.5"), masked(0x81, b"start")].concat());
    for _ in 0..2 {
        assert!(client.text().starts_with("Push::{\"cpu_stat\":"));
    }
}

#[test]
fn nginx_with_the_packaged_snippet() {
    let (pair, folder) = (Pair::new(), tempfile::tempdir().unwrap());
    let socket = folder.path().join("s");
    let agent = Rtstatd::start_as_this_user(
        &[&format!("ws+unix:{}", socket.display())],
        &["--trust-proxy", "unix"],
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shipped = fs::read_to_string(root.join("packaging/nginx/rtstat.conf")).unwrap();
    let snippet = shipped
        .replace("/run/rtstat.sock", socket.to_str().unwrap())
        .replace(
            "/usr/share/rtstat/public/",
            &format!("{}/", root.join("public").display()),
        );
    assert_ne!(snippet, shipped);
    let nginx = Proxy::start(
        "nginx",
        &["-p", ".", "-e", "stderr", "-c"],
        |folder, address| {
            let (cert, key, folder) = (pair.cert(), pair.key(), folder.display());
            fs::write(format!("{folder}/snippet"), &snippet).unwrap();
            fs::write(format!("{folder}/htpasswd"), "reader:{PLAIN}secret\n").unwrap();
            let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|name| format!("{name}_temp_path {folder}/{name};\n"))
                .concat();
            format!(
                "daemon off; master_process off; pid {folder}/pid; error_log stderr warn;\nevents {{}}\nhttp {{\n\
             access_log off; include /etc/nginx/mime.types;\n{temporary}server {{\nlisten {address} ssl;\n\
             ssl_certificate {cert}; ssl_certificate_key {key};\nauth_basic rtstat; \
             auth_basic_user_file {folder}/htpasswd;\ninclude {folder}/snippet;\n}}\n}}\n"
            )
        },
    );
    let host = format!("Host: stat.example:{}\r\n", nginx.address.port());
    let password = format!("{host}Authorization: Basic cmVhZGVyOnNlY3JldA==\r\n");
    let get = |headers: &str, path: &str| {
        let mut client = nginx.connect();
        client.send(format!(
            "GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"
        ));
        (
            client.head(),
            String::from_utf8_lossy(&client.rest()).into_owned(),
        )
    };
    assert!(
        get(&host, "/rtstat/monitoring.html")
            .0
            .starts_with("HTTP/1.1 401 ")
    );
    let (head, page) = get(&password, "/rtstat/monitoring.html");
    assert!(
        head.starts_with("HTTP/1.1 200 ") && page.contains("<html"),
        "{head}{page}"
    );
    assert!(
        head.to_lowercase()
            .contains("content-security-policy: default-src 'none'"),
        "{head}"
    );

    let mut client = nginx.connect();
    client.ask_upgrade("/rtstat/ws", &host);
    assert!(client.head().starts_with("HTTP/1.1 401 "));
    let mut client = nginx.connect();
    let own = format!(
        "{password}Origin: https://stat.example:{}\r\n",
        nginx.address.port()
    );
    client.ask_upgrade("/rtstat/ws", &own);
    watch(&mut client);
    // The client's own claim is replaced, not believed.
    agent.logged("session opened session=1 peer=127.0.0.2 ");
    let mut client = nginx.connect();
    client.ask_upgrade(
        "/rtstat/ws",
        &format!("{password}Origin: https://evil.example\r\nX-Forwarded-For: 192.0.2.1\r\n"),
    );
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(
        client.text(),
        "Error::Origin not allowed, see --allow-origin\n"
    );
    assert_eq!(client.close_code(), 1008);
    assert!(!agent.log().contains("192.0.2.1"), "{}", agent.log());
}

#[test]
fn haproxy_with_a_health_check() {
    let pair = Pair::new();
    let agent = Rtstatd::start_as_this_user(
        &["ws"],
        &["--trust-proxy", "127.0.0.1", "--allow-host", "stat.example"],
    );
    let backend = agent.listener("ws");
    let haproxy = Proxy::start("haproxy", &["-f"], |folder, address| {
        let folder = folder.display();
        let both = [
            fs::read(pair.cert()).unwrap(),
            fs::read(pair.key()).unwrap(),
        ]
        .concat();
        fs::write(format!("{folder}/both.pem"), both).unwrap();
        format!(
            "global\n stats socket {folder}/stats mode 600\ndefaults\n mode http\n timeout connect 5s\n \
             timeout client 60s\n timeout server 60s\n timeout tunnel 1h\nfrontend front\n \
             bind {address} ssl crt {folder}/both.pem alpn http/1.1\n default_backend back\nbackend back\n \
             option httpchk GET /\n http-check send ver HTTP/1.1 hdr Host localhost\n \
             server agent {backend} send-proxy-v2 check check-send-proxy inter 200ms\n"
        )
    });
    eventually("a good health check", || {
        let mut stats = connect_unix(haproxy.folder.path().join("stats")).ok()?;
        stats.write_all(b"show stat\n").ok()?;
        let mut table = String::new();
        stats.read_to_string(&mut table).ok()?;
        table
            .lines()
            .any(|line| line.starts_with("back,agent,") && line.contains(",L7OK,"))
            .then_some(())
    });
    let mut client = haproxy.connect();
    client.ask_upgrade("/", "Host: stat.example\r\n");
    watch(&mut client);
    agent.logged("session opened session=1 peer=127.0.0.2 ");
}

#[test]
fn stunnel_before_the_raw_transport() {
    let pair = Pair::new();
    let agent = Rtstatd::start_as_this_user(&["raw"], &["--trust-proxy", "127.0.0.1"]);
    let backend = agent.listener("raw");
    let stunnel = Proxy::start("stunnel4", &[], |_, address| {
        let (cert, key) = (pair.cert(), pair.key());
        format!(
            "foreground = yes\npid =\n[raw]\naccept = {address}\nconnect = {backend}\ncert = {cert}\nkey = {key}\n\
             protocol = proxy\n"
        )
    });
    let mut client = stunnel.connect();
    assert_eq!(client.line(), WELCOME);
    client.send("interval::0.5\nstart\n");
    for _ in 0..2 {
        assert!(client.line().starts_with("Push::{\"cpu_stat\":"));
    }
    agent.logged("peer=127.0.0.2 ");
}
