//! HTTP on the WebSocket listeners: the page, and the upgrade that makes a connection a session.
//!
//! A connection that begins with a [good request to upgrade](crate::http::upgrade) becomes a
//! session without the HTTP service. The service is for all others: it is built for the first of
//! them and dropped after the last, because while it lives its date timer wakes the process twice a
//! second. Sessions are not connections of the service: an upgrade takes their socket.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    time::Duration,
};

use actix_codec::{Framed, FramedParts};
use actix_http::{
    HttpService, Request, Response, ResponseBuilder, StatusCode, body::BodySize,
    error::DispatchError, h1, ws,
};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::{App, dev::AppConfig, http::header, rt};
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, future::Future};
use tokio::io::AsyncReadExt;

use crate::{
    http::{
        connection::{Farewell, HttpStream},
        metrics::Scrape,
        static_files::{self, Pages},
        upgrade::{Asked, Upgrade},
    },
    net::{
        admission::{ConnectionFilter, FAREWELL},
        peer::Origin,
        stream::Stream,
    },
    protocol::CloseReason,
    session::{
        connection::SessionFactory,
        websocket::{self, Upgraded},
    },
};

/// A connection's first bytes are waited for this long before the service has it. They come at
/// once, or not for long.
const FIRST: Duration = Duration::from_secs(1);

/// The request's head has to be complete within this time, 10 s from the connection's start.
const HEAD: Duration = Duration::from_secs(9);

/// How much of a connection's start is looked at: a request to upgrade with all that browsers add
/// is shorter.
const FIRST_BYTES: usize = 2048;

/// A connection may wait this long for its next request.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// The service outlives its last connection by this, so that a page's requests share one.
const GRACE: Duration = Duration::from_millis(100);

type Serve = dyn Fn(HttpStream) -> Pin<Box<dyn Future<Output = Result<(), DispatchError>>>>;

/// The HTTP service, there while it is used.
pub struct Http {
    sessions: Rc<SessionFactory>,
    filter: Rc<ConnectionFilter>,
    pages: RefCell<Rc<Pages>>,
    service: RefCell<Option<Rc<Serve>>>,
    live: Cell<usize>,
    stopping: tokio::sync::Notify,
    /// How often a connection came: the grace timer leaves a service alone that was used again.
    served: Cell<u64>,
}

impl Http {
    /// A service that is not built yet.
    #[must_use]
    pub fn new(sessions: Rc<SessionFactory>, filter: Rc<ConnectionFilter>, pages: Pages) -> Self {
        Self {
            sessions,
            filter,
            pages: RefCell::new(Rc::new(pages)),
            service: RefCell::default(),
            live: Cell::new(0),
            stopping: tokio::sync::Notify::new(),
            served: Cell::new(0),
        }
    }

    /// Connections that are not sessions.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.get()
    }

    /// Serves other pages from the next connection on.
    pub fn set_pages(&self, pages: Pages) {
        self.pages.replace(Rc::new(pages));
        self.service.take();
    }

    /// Ends every connection that is not a session.
    pub fn stop(&self) {
        self.stopping.notify_waiters();
    }

    /// Serves one connection until it ends or becomes a session.
    pub async fn serve(self: Rc<Self>, stream: Stream) {
        tokio::select! {
            () = self.converse(stream) => {}
            () = self.stopping.notified() => {}
        }
    }

    async fn converse(self: &Rc<Self>, mut stream: Stream) {
        let mut first = BytesMut::with_capacity(FIRST_BYTES);
        if let Ok(Ok(0) | Err(_)) = tokio::time::timeout(FIRST, stream.read_buf(&mut first)).await {
            return;
        }
        let misconfigured = self.pages.borrow().misconfigured;
        if !misconfigured
            && let Some(upgrade) = Upgrade::recognise(&first)
            && (is_local(&stream) || admits_host(&self.filter, upgrade.asked.host))
        {
            return open(&self.sessions, &self.filter, stream, upgrade);
        }
        let live = Live::new(Rc::clone(self));
        let known = self.service.borrow().clone();
        let service = match known {
            Some(service) => service,
            None => {
                let pages = self.pages.borrow().clone();
                let Ok(service) = build(&self.sessions, &self.filter, pages).await else {
                    return tracing::error!("the HTTP service could not be built");
                };
                self.service.replace(Some(Rc::clone(&service)));
                service
            }
        };
        let farewell = Farewell::default();
        if let Err(error) = service(HttpStream::new(first.freeze(), stream, farewell.clone())).await
        {
            tracing::debug!(%error, "HTTP connection ended");
        }
        farewell.say().await;
        drop(live);
    }
}

/// Counts a connection for as long as it lives.
struct Live(Rc<Http>);

impl Live {
    fn new(http: Rc<Http>) -> Self {
        http.live.set(http.live.get() + 1);
        http.served.set(http.served.get() + 1);
        Self(http)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let http = Rc::clone(&self.0);
        http.live.set(http.live.get() - 1);
        if http.live.get() == 0 {
            rt::spawn(async move {
                let served = http.served.get();
                tokio::time::sleep(GRACE).await;
                if http.live.get() == 0 && http.served.get() == served {
                    http.service.take();
                }
            });
        }
    }
}

async fn build(
    sessions: &Rc<SessionFactory>,
    filter: &Rc<ConnectionFilter>,
    pages: Rc<Pages>,
) -> Result<Rc<Serve>, ()> {
    let admits_host = {
        let filter = Rc::clone(filter);
        move |host: &header::HeaderValue| admits_host(&filter, visible(host))
    };
    let scrape = Rc::new(Scrape::new(Rc::clone(&sessions.context), Rc::clone(filter)));
    let metrics: Rc<static_files::Metrics> =
        Rc::new(move |request| Box::pin(Rc::clone(&scrape).answer(request)));
    let app = App::new().configure(|config| {
        static_files::configure(
            config,
            Rc::clone(&pages),
            admits_host.clone(),
            Rc::clone(&metrics),
        );
    });
    let app = app
        .into_factory()
        .map_err(|error: actix_web::Error| error.error_response());
    let misconfigured = pages.misconfigured;
    let (sessions, filter) = (Rc::clone(sessions), Rc::clone(filter));
    let upgrade = fn_service(move |(request, framed)| {
        upgrade(
            Rc::clone(&sessions),
            Rc::clone(&filter),
            misconfigured,
            request,
            framed,
        )
    });
    let service = HttpService::build()
        .client_request_timeout(HEAD)
        .keep_alive(KEEP_ALIVE)
        .upgrade(upgrade)
        .finish(map_config(app, |()| AppConfig::default()))
        .new_service(())
        .await?;
    let service = Rc::new(service);
    Ok(Rc::new(move |connection: HttpStream| {
        let peer = match connection.stream().map(|stream| stream.peer.origin) {
            Some(Origin::Tcp(address)) => Some(address),
            Some(Origin::Unix(_)) | None => None,
        };
        Box::pin(service.call((connection, actix_http::Protocol::Http1, peer)))
    }))
}

/// Answers a request to upgrade that came through the service. A good one leaves HTTP: its socket
/// becomes a session.
async fn upgrade(
    sessions: Rc<SessionFactory>,
    filter: Rc<ConnectionFilter>,
    misconfigured: bool,
    request: Request,
    mut framed: Framed<HttpStream, h1::Codec>,
) -> Result<(), actix_http::Error> {
    let Some(stream) = framed.io_ref().stream() else {
        return Ok(());
    };
    let response = match handshake(&request, misconfigured, stream, &filter) {
        Ok(response) => response,
        Err(Refusal { response, text }) => {
            let size = BodySize::Sized(text.len() as u64);
            // A peer that is gone already needs no answer.
            if framed
                .send((response.drop_body(), size).into())
                .await
                .is_ok()
                && !text.is_empty()
            {
                let _ = framed
                    .send(h1::Message::Chunk(Some(Bytes::from_static(
                        text.as_bytes(),
                    ))))
                    .await;
            }
            // What the client sent behind its request must not reset the connection under the
            // answer.
            if let Some((_, stream)) = framed.into_parts().io.into_parts() {
                let _ = tokio::time::timeout(FAREWELL, stream.finish()).await;
            }
            return Ok(());
        }
    };
    if Pin::new(&mut framed)
        .write(h1::Message::from((response.drop_body(), BodySize::None)))
        .is_err()
    {
        return Ok(());
    }
    let FramedParts {
        io,
        read_buf,
        write_buf,
        ..
    } = framed.into_parts();
    let Some((first, stream)) = io.into_parts() else {
        return Ok(());
    };
    let head = request.head();
    let asked = Asked {
        host: head
            .headers
            .get(header::HOST)
            .map(visible)
            .unwrap_or_default(),
        origins: head.headers.get_all(header::ORIGIN).map(visible).collect(),
        forwarded: head
            .headers
            .get_all("x-forwarded-for")
            .map(visible)
            .collect(),
    };
    let early = Bytes::from([&read_buf[..], &first].concat());
    open(
        &sessions,
        &filter,
        stream,
        Upgrade {
            asked,
            answer: write_buf.to_vec(),
            early,
        },
    );
    Ok(())
}

fn visible(value: &header::HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// Makes a connection whose request was good a session, or tells it in a session's way why it
/// becomes none.
fn open(
    sessions: &SessionFactory,
    filter: &ConnectionFilter,
    mut stream: Stream,
    upgrade: Upgrade<'_>,
) {
    let Upgrade {
        asked,
        answer,
        early,
    } = upgrade;
    let admitted = admit(&asked, &mut stream, filter);
    let upgraded = Upgraded {
        stream,
        answer,
        early,
    };
    match admitted {
        Ok(()) => drop(filter.turn.spawn(websocket::session(sessions, upgraded))),
        Err(reason) => drop(
            filter
                .turn
                .spawn(websocket::refusal(sessions, upgraded, reason)),
        ),
    }
}

/// What only a session can tell a page's script, which cannot read an HTTP answer: the limit of the
/// client that a trusted proxy speaks for, and the page's origin.
fn admit(
    asked: &Asked<'_>,
    stream: &mut Stream,
    filter: &ConnectionFilter,
) -> Result<(), CloseReason> {
    let rules = filter.rules();
    rules.forward(&mut stream.peer, asked.forwarded.iter().copied());
    if stream.peer.forwarded.is_some()
        && !stream
            .present
            .count_by(stream.peer.source(), rules.max_per_address)
    {
        filter.refuse(&stream.peer, &CloseReason::TooManyFromAddress);
        return Err(CloseReason::TooManyFromAddress);
    }
    for origin in &asked.origins {
        if !rules.origin_policy.admits_origin(origin, asked.host) {
            let origin = crate::config::error::shown(origin);
            filter.refuse(
                &stream.peer,
                &format_args!("origin {origin} not allowed, see --allow-origin"),
            );
            return Err(CloseReason::Origin);
        }
    }
    Ok(())
}

/// An HTTP answer in place of a session.
struct Refusal {
    response: Response<()>,
    text: &'static str,
}

impl Refusal {
    fn new(mut response: ResponseBuilder, text: &'static str) -> Self {
        for header in static_files::SAFETY {
            response.insert_header(header);
        }
        response
            .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
            .force_close();
        Self {
            response: response.finish().drop_body(),
            text,
        }
    }
}

/// The answer to an upgrade request: 101, or what is wrong with it (RFC 6455 §4.2, RFC 9112 §3.2).
fn handshake(
    request: &Request,
    misconfigured: bool,
    stream: &Stream,
    filter: &ConnectionFilter,
) -> Result<Response<()>, Refusal> {
    let head = request.head();
    let refuse = |status, text| Err(Refusal::new(Response::build(status), text));
    if misconfigured {
        return refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server is misconfigured, see its journal\n",
        );
    }
    if head.version != actix_http::Version::HTTP_11 {
        return refuse(StatusCode::BAD_REQUEST, "an upgrade needs HTTP/1.1\n");
    }
    let mut hosts = head.headers.get_all(header::HOST);
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "an upgrade needs one Host header\n",
        );
    };
    if !is_local(stream) && !admits_host(filter, visible(host)) {
        let host = crate::config::error::shown(&String::from_utf8_lossy(host.as_bytes()));
        filter.refuse(
            &stream.peer,
            &format_args!("host {host} not allowed, see --allow-host"),
        );
        return refuse(StatusCode::FORBIDDEN, static_files::WRONG_HOST);
    }
    match ws::handshake(head) {
        Ok(mut response) => Ok(response.finish().drop_body()),
        Err(ws::HandshakeError::UnsupportedVersion | ws::HandshakeError::NoVersionHeader) => {
            let mut response = Response::build(StatusCode::UPGRADE_REQUIRED);
            // RFC 9110 §15.5.22: such an answer names what to upgrade to.
            response
                .insert_header((header::SEC_WEBSOCKET_VERSION, "13"))
                .insert_header((header::UPGRADE, "websocket"));
            Err(Refusal::new(
                response,
                "accepted is version 13 of WebSocket\n",
            ))
        }
        Err(ws::HandshakeError::GetMethodRequired) => {
            let mut response = Response::build(StatusCode::METHOD_NOT_ALLOWED);
            response.insert_header((header::ALLOW, "GET"));
            Err(Refusal::new(response, "an upgrade is a GET\n"))
        }
        Err(_) => refuse(StatusCode::BAD_REQUEST, "this is no WebSocket upgrade\n"),
    }
}

/// Whether the peer came over a Unix socket, where no page can have been fooled with a name.
fn is_local(stream: &Stream) -> bool {
    matches!(stream.peer.origin, Origin::Unix(_))
}

/// Whether a request over TCP may call this machine so. The machine's own name may change while we
/// run.
fn admits_host(filter: &ConnectionFilter, host: &str) -> bool {
    let nodename = || {
        nix::unistd::gethostname()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    filter.rules().origin_policy.admits_host(host, nodename)
}
