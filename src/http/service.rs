//! Answers the requests that are not upgrades: the metrics and the static files, routed by
//! actix-web. The application is built for the first such request; most servers only see upgrades.

use std::{cell::RefCell, rc::Rc};

use actix_http::Request;
use actix_service::{IntoServiceFactory, ServiceFactory, boxed, map_config};
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::BoxBody,
    dev::{AppConfig, Service as _, ServiceResponse},
    http::{Method, header},
    web,
};

use crate::{
    http::{
        metrics::Scrape,
        response::{MISCONFIGURED, WRONG_HOST, plain},
        static_files::{self, Pages},
    },
    net::admission::ConnectionFilter,
    session::connection::SessionContext,
};

/// The path of the metrics. DNS rebinding would expose them to a page, so `Host` is checked: see
/// [`crate::net::origin_policy`].
const METRICS: &str = "/metrics";

type Application = boxed::RcService<Request, ServiceResponse<BoxBody>, Error>;

/// The application, and what it is built from.
pub(super) struct Service {
    context: Rc<SessionContext>,
    filter: Rc<ConnectionFilter>,
    pages: RefCell<Rc<Pages>>,
    application: RefCell<Option<Application>>,
}

impl Service {
    pub fn new(context: Rc<SessionContext>, filter: Rc<ConnectionFilter>, pages: Pages) -> Self {
        Self {
            context,
            filter,
            pages: RefCell::new(Rc::new(pages)),
            application: RefCell::default(),
        }
    }

    /// Serves other pages from the next request on.
    pub fn set_pages(&self, pages: Pages) {
        self.pages.replace(Rc::new(pages));
        self.application.take();
    }

    /// Whether the configuration is invalid.
    pub fn is_misconfigured(&self) -> bool {
        self.pages.borrow().misconfigured
    }

    /// The response to a request that is not an upgrade.
    pub async fn answer(&self, request: Request) -> HttpResponse {
        let known = self.application.borrow().clone();
        let application = match known {
            Some(application) => application,
            None => {
                let Ok(application) = self.build().await else {
                    return HttpResponse::InternalServerError().finish();
                };
                self.application.replace(Some(application.clone()));
                application
            }
        };
        match application.call(request).await {
            Ok(response) => response.into(),
            Err(error) => error.error_response(),
        }
    }

    async fn build(&self) -> Result<Application, ()> {
        let site = Rc::new(Site {
            pages: self.pages.borrow().clone(),
            scrape: Scrape::new(Rc::clone(&self.context), Rc::clone(&self.filter)),
            filter: Rc::clone(&self.filter),
        });
        let handler = move |request| Rc::clone(&site).answer(request);
        let app = App::new().default_service(web::to(handler));
        let factory = map_config(app.into_factory(), |()| AppConfig::default());
        factory.new_service(()).await.map(boxed::rc_service)
    }
}

/// What the application serves.
struct Site {
    pages: Rc<Pages>,
    scrape: Scrape,
    filter: Rc<ConnectionFilter>,
}

impl Site {
    async fn answer(self: Rc<Self>, request: HttpRequest) -> HttpResponse {
        let is_metrics = request.path() == METRICS;
        if is_metrics && !self.admits_host(&request) {
            return plain(HttpResponse::Forbidden(), WRONG_HOST);
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = HttpResponse::MethodNotAllowed();
            response.insert_header((header::ALLOW, "GET, HEAD"));
            return plain(response, "only GET and HEAD are answered here\n");
        }
        if self.pages.misconfigured {
            return plain(HttpResponse::ServiceUnavailable(), MISCONFIGURED);
        }
        if is_metrics && self.pages.metrics {
            return self.scrape.answer(&request).await;
        }
        static_files::serve(&self.pages, &request)
    }

    /// A proxy in front of a Unix socket has chosen the host itself.
    fn admits_host(&self, request: &HttpRequest) -> bool {
        request.peer_addr().is_none()
            || request
                .headers()
                .get(header::HOST)
                .is_none_or(|host| self.filter.admits_host(host.to_str().unwrap_or_default()))
    }
}
