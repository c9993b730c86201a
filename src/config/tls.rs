//! Certificate and key, read and checked against each other when the configuration is loaded, so
//! that a bad pair is a configuration error at start and leaves the old pair in use on reload.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::config::{
    error::ConfigError,
    layers::{Layers, Said},
    token::private_file,
};

/// A pair that works.
#[derive(Clone)]
pub struct Tls {
    /// The certificate chain's file.
    pub cert: PathBuf,
    /// The private key's file.
    pub key: PathBuf,
    /// What the listeners accept with: TLS 1.2 and 1.3, HTTP/1.1.
    pub server: Arc<ServerConfig>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Tls({}, {})", self.cert.display(), self.key.display())
    }
}

/// Both settings or none.
///
/// # Errors
/// One without the other, a file that cannot be read, a key that others can read, PEM that holds
/// neither, a key that does not belong to the certificate.
pub(super) fn load(layers: &Layers) -> Result<Option<Tls>, ConfigError> {
    let lone = |said: &Said, problem: &str| ConfigError::Conflict {
        place: said.place.clone(),
        problem: problem.into(),
    };
    match (layers.said("tls_cert"), layers.said("tls_key")) {
        (None, None) => Ok(None),
        (Some(cert), None) => Err(lone(cert, "a certificate needs its key: set --tls-key too")),
        (None, Some(key)) => Err(lone(key, "a key needs its certificate: set --tls-cert too")),
        (Some(cert), Some(key)) => pair(cert, key).map(Some),
    }
}

fn pair(cert: &Said, key: &Said) -> Result<Tls, ConfigError> {
    let fault = |said: &Said, problem: String| ConfigError::Unusable {
        place: said.place.clone(),
        value: said.text.clone(),
        problem,
    };
    let pem =
        fs::read(&cert.text).map_err(|error| fault(cert, format!("cannot be read: {error}")))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| fault(cert, format!("is not PEM: {error}")))?;
    if chain.is_empty() {
        return Err(fault(
            cert,
            "holds no certificate: expected a PEM file".into(),
        ));
    }
    let pem = private_file(Path::new(&key.text)).map_err(|problem| fault(key, problem))?;
    let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        fault(
            key,
            format!("holds no private key: {error}; expected a PEM file"),
        )
    })?;
    let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(cert, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| fault(key, format!("does not go with {}: {error}", cert.text)))?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Tls {
        cert: PathBuf::from(&cert.text),
        key: PathBuf::from(&key.text),
        server: Arc::new(server),
    })
}
