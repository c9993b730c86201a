//! Listening sockets, opened here or passed by systemd, ready to be registered with a reactor:
//! non-blocking, closed on exec, each with what is spoken on it.
//!
//! `[::]` accepts IPv6 only, whatever `net.ipv6.bindv6only` says: for both families both are named,
//! and each has its own line in the log and its own error.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::socket::{
        AddressFamily, Backlog, SockFlag, SockProtocol, SockType, SockaddrStorage, UnixAddr,
        bind as bind_socket, connect, getsockname, getsockopt, listen as listen_socket, setsockopt,
        socket, sockopt,
    },
};

use crate::{
    config::{Endpoint, ListenUrl, Transport},
    server::startup_error::StartupError,
};

/// A listening socket and what is spoken on it.
#[derive(Debug)]
pub struct Bound {
    /// Where it really listens: the port that the kernel chose, where 0 was asked for. For logs and
    /// STATUS.
    pub url: ListenUrl,
    /// Whether systemd passed it: then nothing about it is ours to change or remove.
    pub passed: bool,
    /// The socket, non-blocking.
    pub socket: Socket,
    /// The socket file that was made for it; keep it as long as the socket.
    pub file: Option<SocketFile>,
}

impl Bound {
    /// What is spoken.
    pub fn transport(&self) -> Transport {
        self.url.transport
    }

    /// Whether through TLS.
    pub fn tls(&self) -> bool {
        self.url.tls
    }
}

/// A listening socket of either family.
#[derive(Debug)]
pub enum Socket {
    /// TCP over IPv4 or IPv6.
    Tcp(TcpListener),
    /// A unix socket.
    Unix(UnixListener),
}

/// A socket file of ours, removed with this value: only while it is still the file that was made,
/// and where the user that the program has become may do so. One that stays behind is replaced at
/// the next start.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            // A file that cannot be removed is harmless: the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Maximum number of connections that wait to be accepted; thousands may arrive at once.
const BACKLOG: i32 = 4096;

/// Opens all listeners, or none.
///
/// # Errors
/// The first that could not be opened, with its URL: the address in use, unknown to this machine or
/// not allowed, a path that something else occupies.
pub fn bind(urls: &[ListenUrl]) -> Result<Vec<Bound>, StartupError> {
    urls.iter()
        .map(|url| {
            let opened = match &url.endpoint {
                Endpoint::Tcp(address) => open_tcp(url, *address),
                Endpoint::Unix(path) => open_unix(url, path),
            };
            opened.map_err(|(source, problem)| StartupError::Listen {
                url: url.to_string(),
                problem,
                source,
            })
        })
        .collect()
}

type Failure = (io::Error, String);

/// The system's own error text.
fn plain(error: impl Into<io::Error>) -> Failure {
    let error = error.into();
    let problem = error.to_string();
    (error, problem)
}

fn open_tcp(url: &ListenUrl, address: SocketAddr) -> Result<Bound, Failure> {
    let explain = |errno: Errno| {
        let problem = match errno {
            Errno::EADDRINUSE => format!("the address {address} is in use by another program"),
            Errno::EADDRNOTAVAIL => format!("this machine has no address {}", address.ip()),
            Errno::EACCES | Errno::EPERM => {
                format!(
                    "no permission for port {}: ports below 1024 are for root, before it becomes --user",
                    address.port()
                )
            }
            Errno::EAFNOSUPPORT => {
                format!("this machine does not speak the family of {}", address.ip())
            }
            other => other.desc().to_owned(),
        };
        (io::Error::from(errno), problem)
    };
    let family = if address.is_ipv6() {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    };
    let descriptor = new_socket(family).map_err(explain)?;
    setsockopt(&descriptor, sockopt::ReuseAddr, &true).map_err(explain)?;
    if address.is_ipv6() {
        setsockopt(&descriptor, sockopt::Ipv6V6Only, &true).map_err(explain)?;
    }
    bind_socket(descriptor.as_raw_fd(), &SockaddrStorage::from(address)).map_err(explain)?;
    listen_socket(&descriptor, backlog().map_err(explain)?).map_err(explain)?;
    let listener = TcpListener::from(descriptor);
    let chosen = listener.local_addr().map_err(plain)?;
    let url = ListenUrl::tcp(url.transport, url.tls, chosen);
    Ok(Bound {
        url,
        passed: false,
        socket: Socket::Tcp(listener),
        file: None,
    })
}

fn new_socket(family: AddressFamily) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    socket(family, SockType::Stream, flags, None::<SockProtocol>)
}

fn backlog() -> nix::Result<Backlog> {
    Backlog::new(BACKLOG)
}

/// Opens a unix socket that every local user may connect to, as with TCP on the loopback; the mode of
/// its folder can restrict that. The mode is set before the socket listens, so that nobody connects
/// under another one.
fn open_unix(url: &ListenUrl, path: &Path) -> Result<Bound, Failure> {
    let address = UnixAddr::new(path).map_err(plain)?;
    let descriptor = new_socket(AddressFamily::Unix).map_err(plain)?;
    match bind_socket(descriptor.as_raw_fd(), &address) {
        Ok(()) => {}
        Err(Errno::EADDRINUSE) => {
            remove_stale(path, &address)?;
            bind_socket(descriptor.as_raw_fd(), &address).map_err(plain)?;
        }
        Err(errno @ (Errno::EACCES | Errno::EPERM)) => {
            return Err((errno.into(), "no permission to make a socket there".into()));
        }
        Err(errno @ Errno::ENOENT) => return Err((errno.into(), "there is no such folder".into())),
        Err(errno) => return Err(plain(errno)),
    }
    let file = SocketFile {
        path: path.to_owned(),
        identity: identity(path).map_err(plain)?,
    };
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).map_err(plain)?;
    listen_socket(&descriptor, backlog().map_err(plain)?).map_err(plain)?;
    Ok(Bound {
        url: url.clone(),
        passed: false,
        socket: Socket::Unix(descriptor.into()),
        file: Some(file),
    })
}

/// Removes a socket file without a listener, as a killed server leaves behind.
fn remove_stale(path: &Path, address: &UnixAddr) -> Result<(), Failure> {
    let in_use = |problem: &str| (io::Error::from(Errno::EADDRINUSE), problem.to_owned());
    if !fs::symlink_metadata(path)
        .map_err(plain)?
        .file_type()
        .is_socket()
    {
        return Err(in_use("the path exists and is not a socket"));
    }
    // Non-blocking: a live server whose queue is full answers EAGAIN instead of letting us wait.
    let probe = new_socket(AddressFamily::Unix).map_err(plain)?;
    match connect(probe.as_raw_fd(), address) {
        Err(Errno::ECONNREFUSED) => fs::remove_file(path).map_err(plain),
        Err(errno @ (Errno::EACCES | Errno::EPERM)) => {
            Err((errno.into(), "another user's socket is there".into()))
        }
        _ => Err(in_use("a live server answers there")),
    }
}

/// Takes the sockets that systemd passed. The second value has a line for each oddity, to be
/// logged.
///
/// What is spoken follows `FileDescriptorName=`: `websocket`, `raw`, and `wss`, `raws` for the same
/// through TLS. A socket of any other name is served as `websocket`, since systemd's default is the
/// unit's name.
///
/// # Errors
/// A descriptor that is no listening stream socket, as with `Accept=yes` or `ListenDatagram=`.
pub fn passed(sockets: Vec<(OwnedFd, String)>) -> Result<(Vec<Bound>, Vec<String>), StartupError> {
    let mut warnings = Vec::new();
    let mut bounds = Vec::new();
    for (descriptor, name) in sockets {
        let (transport, tls) = match name.as_str() {
            "websocket" | "ws" => (Transport::WebSocket, false),
            "wss" => (Transport::WebSocket, true),
            "raw" => (Transport::Raw, false),
            "raws" => (Transport::Raw, true),
            _ => {
                warnings.push(format!(
                    "passed socket {name}: served as websocket; FileDescriptorName= may be websocket, raw, wss or raws"
                ));
                (Transport::WebSocket, false)
            }
        };
        let number = descriptor.as_raw_fd();
        let bound = adopt(descriptor, transport, tls).map_err(|problem| StartupError::Passed {
            name,
            descriptor: number,
            problem,
        })?;
        bounds.push(bound);
    }
    Ok((bounds, warnings))
}

/// Whether a socket of this `FileDescriptorName=` speaks TLS.
pub fn is_tls_name(name: &str) -> bool {
    matches!(name, "wss" | "raws")
}

fn adopt(descriptor: OwnedFd, transport: Transport, tls: bool) -> Result<Bound, String> {
    const WANTED: &str = "expected a listening stream socket (ListenStream=, Accept=no)";
    let unusable = |errno: Errno| format!("{errno}; {WANTED}");
    let kind = getsockopt(&descriptor, sockopt::SockType).map_err(unusable)?;
    if kind != SockType::Stream
        || !getsockopt(&descriptor, sockopt::AcceptConn).map_err(unusable)?
    {
        return Err(format!("it does not listen; {WANTED}"));
    }
    let flags = fcntl(&descriptor, FcntlArg::F_GETFL).map_err(unusable)?;
    let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
    fcntl(&descriptor, FcntlArg::F_SETFL(flags)).map_err(unusable)?;
    let name: SockaddrStorage = getsockname(descriptor.as_raw_fd()).map_err(unusable)?;
    if let Some(unix) = name.as_unix_addr() {
        if tls {
            return Err(
                "TLS is for TCP: give the unix socket a unit of its own, named websocket or raw"
                    .into(),
            );
        }
        let path = unix
            .path()
            .map_or_else(|| PathBuf::from("(abstract)"), Path::to_owned);
        let url = ListenUrl {
            transport,
            tls,
            endpoint: Endpoint::Unix(path),
        };
        return Ok(Bound {
            url,
            passed: true,
            socket: Socket::Unix(descriptor.into()),
            file: None,
        });
    }
    let v4 = name
        .as_sockaddr_in()
        .map(|address| SocketAddr::V4((*address).into()));
    let v6 = || {
        name.as_sockaddr_in6()
            .map(|address| SocketAddr::V6((*address).into()))
    };
    let address = v4
        .or_else(v6)
        .ok_or_else(|| format!("it is neither TCP nor a unix socket; {WANTED}"))?;
    let url = ListenUrl::tcp(transport, tls, address);
    Ok(Bound {
        url,
        passed: true,
        socket: Socket::Tcp(descriptor.into()),
        file: None,
    })
}

#[cfg(test)]
mod tests {
    use std::{
        net::{TcpStream, UdpSocket},
        os::unix::net::UnixStream,
    };

    use super::*;

    fn url(text: &str) -> ListenUrl {
        text.parse().unwrap()
    }

    fn address(bound: &Bound) -> SocketAddr {
        match bound.url.endpoint {
            Endpoint::Tcp(address) => address,
            Endpoint::Unix(_) => panic!("not TCP"),
        }
    }

    #[test]
    fn the_chosen_port_is_told_and_served_on_both_families() {
        let bounds = bind(&[url("ws://127.0.0.1:0"), url("raw://[::1]:0")]).unwrap();
        for bound in &bounds {
            assert_ne!(address(bound).port(), 0);
            TcpStream::connect(address(bound)).unwrap();
            let Socket::Tcp(listener) = &bound.socket else {
                panic!("not TCP")
            };
            listener.accept().unwrap();
            assert_eq!(
                listener.accept().unwrap_err().kind(),
                io::ErrorKind::WouldBlock
            );
        }
        assert_eq!(bounds[1].transport(), Transport::Raw);
    }

    #[test]
    fn the_ipv6_wildcard_leaves_ipv4_alone() {
        // The kernel picks a port that is free over IPv6; over IPv4 another program may have that
        // one, but not each.
        let both = (0..20).find_map(|_| {
            let v6 = bind(&[url("ws://[::]:0")]).unwrap();
            let same_port = url(&format!("ws://0.0.0.0:{}", address(&v6[0]).port()));
            bind(&[same_port]).ok()
        });
        assert!(both.is_some());
    }

    #[test]
    fn failures_name_the_address_and_the_reason() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = listener.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let occupied = folder.path().join("file");
        fs::write(&occupied, "").unwrap();
        for (text, problem) in [
            (
                format!("ws://{taken}"),
                format!("the address {taken} is in use by another program"),
            ),
            (
                "ws://192.0.2.1:0".into(),
                "this machine has no address 192.0.2.1".into(),
            ),
            (
                format!("ws+unix:{}", occupied.display()),
                "the path exists and is not a socket".into(),
            ),
            (
                "ws+unix:/none/of/this".into(),
                "there is no such folder".into(),
            ),
        ] {
            let error = bind(&[url(&text)]).expect_err(&text);
            assert_eq!(error.to_string(), format!("{text}: {problem}"));
            assert_eq!(error.exit_code(), crate::system::sysexits::EX_UNAVAILABLE);
        }
    }

    #[test]
    fn a_unix_socket_is_open_to_all_and_removed_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let bounds = bind(&[url(&format!("ws+unix:{}", path.display()))]).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o666
        );
        UnixStream::connect(&path).unwrap();
        drop(bounds);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let wanted = [url(&format!("raw+unix:{}", path.display()))];
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "std leaves the file behind");
        let live = bind(&wanted).unwrap();
        let error = bind(&wanted).expect_err("in use");
        assert!(
            error.to_string().ends_with("a live server answers there"),
            "{error}"
        );
        UnixStream::connect(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let second = bind(&wanted).unwrap();
        drop(live);
        assert!(
            path.exists(),
            "the first one's end leaves the file of the second"
        );
        drop(second);
    }

    #[test]
    fn passed_sockets_are_told_apart_by_kind_and_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp_address = tcp.local_addr().unwrap();
        let sockets = vec![
            (OwnedFd::from(tcp), "raw".to_owned()),
            (
                TcpListener::bind("[::1]:0").unwrap().into(),
                "wss".to_owned(),
            ),
            (
                UnixListener::bind(&path).unwrap().into(),
                "rtstat.socket".to_owned(),
            ),
        ];
        let (bounds, warnings) = passed(sockets).unwrap();
        let urls: Vec<String> = bounds.iter().map(|bound| bound.url.to_string()).collect();
        assert_eq!(urls[0], format!("raw://{tcp_address}"));
        assert!(urls[1].starts_with("wss://[::1]:"), "{}", urls[1]);
        assert_eq!(urls[2], format!("ws+unix:{}", path.display()));
        assert_eq!(warnings.len(), 1);
        let Socket::Tcp(listener) = &bounds[0].socket else {
            panic!("not TCP")
        };
        assert_eq!(
            listener.accept().unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        drop(bounds);
        assert!(path.exists(), "systemd's socket file is not ours to remove");
    }

    #[test]
    fn passed_descriptors_that_do_not_listen_are_refused() {
        let (one, _other) = UnixStream::pair().unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let file = fs::File::open("/dev/null").unwrap();
        for descriptor in [OwnedFd::from(one), udp.into(), file.into()] {
            let error = passed(vec![(descriptor, "websocket".into())]).expect_err("refused");
            assert!(
                error
                    .to_string()
                    .contains("expected a listening stream socket"),
                "{error}"
            );
        }
    }
}
