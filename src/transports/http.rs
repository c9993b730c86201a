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

use actix_codec::Framed;
use actix_http::{HttpService, Request, Response, StatusCode, body::BodySize, error::DispatchError, h1, ws};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{App, dev::AppConfig, http::header, rt};
use futures_util::{SinkExt, future::Future};

use super::{session::Desk, stream::Stream, websocket};
use crate::web::{self, Pages};

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
    pub fn new(desk: Rc<Desk>, pages: Pages) -> Self {
        Self {
            desk,
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
                let Ok(service) = build(Rc::clone(&self.desk), pages).await else {
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

async fn build(desk: Rc<Desk>, pages: Rc<Pages>) -> Result<Rc<Serve>, ()> {
    let app = App::new().configure(|config| web::configure(config, Rc::clone(&pages)));
    let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
    let misconfigured = pages.misconfigured;
    let upgrade = fn_service(move |(request, framed)| upgrade(Rc::clone(&desk), misconfigured, request, framed));
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
            crate::peer::Origin::Tcp(address) => Some(address),
            crate::peer::Origin::Unix(_) => None,
        };
        Box::pin(service.call((stream, actix_http::Protocol::Http1, peer)))
    }))
}

/// Answers a request to upgrade. A good one leaves HTTP: its socket becomes a session.
async fn upgrade(
    desk: Rc<Desk>,
    misconfigured: bool,
    request: Request,
    mut framed: Framed<Stream, h1::Codec>,
) -> Result<(), actix_http::Error> {
    let response = match handshake(&request, misconfigured) {
        Ok(response) => response,
        Err(refusal) => {
            let body = BodySize::Sized(0);
            // A peer that is gone already needs no answer.
            let _ = framed.send((refusal.drop_body(), body).into()).await;
            return Ok(());
        }
    };
    if framed.send((response.drop_body(), BodySize::None).into()).await.is_err() {
        return Ok(());
    }
    let parts = framed.into_parts();
    let early = parts.read_buf.freeze();
    rt::spawn(websocket::session(&desk, parts.io, early));
    Ok(())
}

/// The answer to an upgrade request: 101, or what is wrong with it (RFC 6455 §4.2, RFC 9112 §3.2).
fn handshake(request: &Request, misconfigured: bool) -> Result<Response<()>, Response<()>> {
    let head = request.head();
    let refuse = |status| Err(Response::new(status).drop_body());
    if misconfigured {
        return refuse(StatusCode::SERVICE_UNAVAILABLE);
    }
    if head.version != actix_http::Version::HTTP_11 || !head.headers.contains_key(header::HOST) {
        return refuse(StatusCode::BAD_REQUEST);
    }
    match ws::handshake(head) {
        Ok(mut response) => Ok(response.finish().drop_body()),
        Err(ws::HandshakeError::UnsupportedVersion | ws::HandshakeError::NoVersionHeader) => {
            let mut response = Response::build(StatusCode::UPGRADE_REQUIRED);
            response.insert_header((header::SEC_WEBSOCKET_VERSION, "13"));
            Err(response.finish().drop_body())
        }
        Err(ws::HandshakeError::GetMethodRequired) => {
            let mut response = Response::build(StatusCode::METHOD_NOT_ALLOWED);
            response.insert_header((header::ALLOW, "GET"));
            Err(response.finish().drop_body())
        }
        Err(_) => refuse(StatusCode::BAD_REQUEST),
    }
}
