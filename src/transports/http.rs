//! HTTP on the WebSocket listeners: the page, and the upgrade that makes a connection a session.
//!
//! The service is built for the first connection and dropped after the last, because while it lives its date timer
//! wakes the process twice a second. Sessions are not connections of the service: the upgrade takes their socket.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    time::Duration,
};

use actix_codec::{Framed, FramedParts};
use actix_http::{
    HttpService, Request, Response, ResponseBuilder, StatusCode, body::BodySize, error::DispatchError, h1, ws,
};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{App, dev::AppConfig, http::header, rt};
use bytes::Bytes;
use futures_util::{SinkExt, future::Future};

use super::{
    entrance::Entrance,
    scrape::Scrape,
    session::Desk,
    stream::Stream,
    websocket::{self, Upgraded},
};
use crate::{
    peer::Origin,
    protocol::CloseReason,
    web::{self, Pages},
};

/// The request's head has to be complete within this time.
const HEAD: Duration = Duration::from_secs(10);

/// A connection may wait this long for its next request.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// The service outlives its last connection by this, so that a page's requests share one.
const GRACE: Duration = Duration::from_millis(100);

type Serve = dyn Fn(Stream) -> Pin<Box<dyn Future<Output = Result<(), DispatchError>>>>;

/// The HTTP service, there while it is used.
pub struct Http {
    desk: Rc<Desk>,
    entrance: Rc<Entrance>,
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
    pub fn new(desk: Rc<Desk>, entrance: Rc<Entrance>, pages: Pages) -> Self {
        Self {
            desk,
            entrance,
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
        let live = Live::new(Rc::clone(&self));
        let known = self.service.borrow().clone();
        let service = match known {
            Some(service) => service,
            None => {
                let pages = self.pages.borrow().clone();
                let Ok(service) = build(&self.desk, &self.entrance, pages).await else {
                    return tracing::error!("the HTTP service could not be built");
                };
                self.service.replace(Some(Rc::clone(&service)));
                service
            }
        };
        tokio::select! {
            served = service(stream) => {
                if let Err(error) = served {
                    tracing::debug!(%error, "HTTP connection ended");
                }
            }
            () = self.stopping.notified() => {}
        }
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

async fn build(desk: &Rc<Desk>, entrance: &Rc<Entrance>, pages: Rc<Pages>) -> Result<Rc<Serve>, ()> {
    let admits_host = {
        let entrance = Rc::clone(entrance);
        move |host: &header::HeaderValue| admits_host(&entrance, host)
    };
    let scrape = Rc::new(Scrape::new(Rc::clone(&desk.house), Rc::clone(entrance)));
    let metrics: Rc<web::Metrics> = Rc::new(move |request| Box::pin(Rc::clone(&scrape).answer(request)));
    let app = App::new().configure(|config| {
        web::configure(config, Rc::clone(&pages), admits_host.clone(), Rc::clone(&metrics));
    });
    let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
    let misconfigured = pages.misconfigured;
    let (desk, entrance) = (Rc::clone(desk), Rc::clone(entrance));
    let upgrade = fn_service(move |(request, framed)| {
        upgrade(Rc::clone(&desk), Rc::clone(&entrance), misconfigured, request, framed)
    });
    let service = HttpService::build()
        .client_request_timeout(HEAD)
        .keep_alive(KEEP_ALIVE)
        .upgrade(upgrade)
        .finish(map_config(app, |()| AppConfig::default()))
        .new_service(())
        .await?;
    let service = Rc::new(service);
    Ok(Rc::new(move |stream: Stream| {
        let peer = match stream.peer.origin {
            Origin::Tcp(address) => Some(address),
            Origin::Unix(_) => None,
        };
        Box::pin(service.call((stream, actix_http::Protocol::Http1, peer)))
    }))
}

/// Answers a request to upgrade. A good one leaves HTTP: its socket becomes a session.
async fn upgrade(
    desk: Rc<Desk>,
    entrance: Rc<Entrance>,
    misconfigured: bool,
    request: Request,
    mut framed: Framed<Stream, h1::Codec>,
) -> Result<(), actix_http::Error> {
    let response = match handshake(&request, misconfigured, framed.io_ref(), &entrance) {
        Ok(response) => response,
        Err(Refusal { response, text }) => {
            let size = BodySize::Sized(text.len() as u64);
            // A peer that is gone already needs no answer.
            if framed.send((response.drop_body(), size).into()).await.is_ok() && !text.is_empty() {
                let _ = framed.send(h1::Message::Chunk(Some(Bytes::from_static(text.as_bytes())))).await;
            }
            return Ok(());
        }
    };
    if Pin::new(&mut framed).write(h1::Message::from((response.drop_body(), BodySize::None))).is_err() {
        return Ok(());
    }
    let FramedParts { io: mut stream, read_buf, write_buf, .. } = framed.into_parts();
    let admitted = admit(&request, &mut stream, &entrance);
    // Copies, so that the service's own buffers are freed with the service's part of the connection.
    let early = Bytes::copy_from_slice(&read_buf);
    let upgraded = Upgraded { stream, answer: &write_buf, early };
    match admitted {
        Ok(()) => drop(rt::spawn(websocket::session(&desk, upgraded))),
        Err(reason) => drop(rt::spawn(websocket::refusal(&desk, upgraded, reason))),
    }
    Ok(())
}

/// What only a session can tell a page's script, which cannot read an HTTP answer: the limit of the client that a
/// trusted proxy speaks for, and the page's origin.
fn admit(request: &Request, stream: &mut Stream, entrance: &Entrance) -> Result<(), CloseReason> {
    let (head, rules) = (request.head(), entrance.rules());
    let lines = head.headers.get_all("x-forwarded-for").map(|line| line.to_str().unwrap_or_default());
    rules.forward(&mut stream.peer, lines.collect::<Vec<_>>().into_iter());
    if stream.peer.forwarded.is_some() && !stream.present.count_by(stream.peer.source(), rules.max_per_address) {
        entrance.refuse(&stream.peer, &CloseReason::TooManyFromAddress);
        return Err(CloseReason::TooManyFromAddress);
    }
    let text = |value: &header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let host = head.headers.get(header::HOST).map(text).unwrap_or_default();
    for origin in head.headers.get_all(header::ORIGIN).map(text) {
        if !rules.gate.admits_origin(&origin, &host) {
            let origin = crate::config_error::shown(&origin);
            entrance.refuse(&stream.peer, &format_args!("origin {origin} not allowed, see --allow-origin"));
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
        for header in web::SAFETY {
            response.insert_header(header);
        }
        response.insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8")).force_close();
        Self { response: response.finish().drop_body(), text }
    }
}

/// The answer to an upgrade request: 101, or what is wrong with it (RFC 6455 §4.2, RFC 9112 §3.2).
fn handshake(
    request: &Request,
    misconfigured: bool,
    stream: &Stream,
    entrance: &Entrance,
) -> Result<Response<()>, Refusal> {
    let head = request.head();
    let refuse = |status, text| Err(Refusal::new(Response::build(status), text));
    if misconfigured {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "the server is misconfigured, see its journal\n");
    }
    if head.version != actix_http::Version::HTTP_11 {
        return refuse(StatusCode::BAD_REQUEST, "an upgrade needs HTTP/1.1\n");
    }
    let mut hosts = head.headers.get_all(header::HOST);
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return refuse(StatusCode::BAD_REQUEST, "an upgrade needs one Host header\n");
    };
    let direct = matches!(stream.peer.origin, Origin::Tcp(_));
    if direct && !admits_host(entrance, host) {
        let host = crate::config_error::shown(&String::from_utf8_lossy(host.as_bytes()));
        entrance.refuse(&stream.peer, &format_args!("host {host} not allowed, see --allow-host"));
        return refuse(StatusCode::FORBIDDEN, web::WRONG_HOST);
    }
    match ws::handshake(head) {
        Ok(mut response) => Ok(response.finish().drop_body()),
        Err(ws::HandshakeError::UnsupportedVersion | ws::HandshakeError::NoVersionHeader) => {
            let mut response = Response::build(StatusCode::UPGRADE_REQUIRED);
            // RFC 9110 §15.5.22: such an answer names what to upgrade to.
            response.insert_header((header::SEC_WEBSOCKET_VERSION, "13")).insert_header((header::UPGRADE, "websocket"));
            Err(Refusal::new(response, "accepted is version 13 of WebSocket\n"))
        }
        Err(ws::HandshakeError::GetMethodRequired) => {
            let mut response = Response::build(StatusCode::METHOD_NOT_ALLOWED);
            response.insert_header((header::ALLOW, "GET"));
            Err(Refusal::new(response, "an upgrade is a GET\n"))
        }
        Err(_) => refuse(StatusCode::BAD_REQUEST, "this is no WebSocket upgrade\n"),
    }
}

/// Whether a request over TCP may call this machine so. The machine's own name may change while we run.
fn admits_host(entrance: &Entrance, host: &header::HeaderValue) -> bool {
    let nodename = || nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned();
    entrance.rules().gate.admits_host(host.to_str().unwrap_or_default(), nodename)
}
