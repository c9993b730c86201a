//! What `--check` prints: the settings as they would take effect, never a token.

use std::{fmt::Write, path::Path};

use crate::config::Config;

impl Config {
    /// What would run, a line a setting. `passed` says that systemd's sockets are served instead of
    /// `listen`.
    pub fn report(&self, passed: bool) -> String {
        let mut out = String::new();
        let mut line = |key: &str, value: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{key:18}{value}");
        };
        let limit = |count: Option<std::num::NonZeroU32>| {
            count.map_or("no limit".into(), |count| count.to_string())
        };
        let path = |path: Option<&Path>, none: &str| {
            path.map_or(none.into(), |path| path.display().to_string())
        };
        line("config", path(self.file.as_deref(), "none"));
        if passed {
            line("listen", "the sockets passed by systemd".into());
        } else {
            for url in &self.listen {
                line("listen", url.to_string());
            }
        }
        line(
            "tls_cert",
            path(self.tls.as_ref().map(|tls| tls.cert.as_path()), "none"),
        );
        line(
            "tls_key",
            path(self.tls.as_ref().map(|tls| tls.key.as_path()), "none"),
        );
        let names: Vec<&str> = self
            .tokens
            .iter()
            .map(|token| token.name.as_str())
            .collect();
        line("tokens", list(&names));
        line("max_clients", limit(self.max_clients));
        line("max_per_address", limit(self.max_per_address));
        line(
            "exit_on_idle",
            self.exit_on_idle
                .map_or("never".into(), |time| format!("{} s", time.as_secs())),
        );
        line("public", path(self.public.as_deref(), "built in"));
        line(
            "user",
            self.user
                .clone()
                .unwrap_or("rtstat, or nobody where that does not exist".into()),
        );
        line("allow_origin", list(&self.allow_origin));
        line("allow_host", list(&self.allow_host));
        line("trust_proxy", list(&self.trust_proxy));
        line("metrics", self.metrics.to_string());
        line("plugins.default", list(&self.plugins.default));
        line("plugins.dir", self.plugins.dir.display().to_string());
        line(
            "plugins.top_command_lines",
            self.plugins.top_command_lines.to_string(),
        );
        line(
            "plugins.network_filesystems",
            self.plugins.network_filesystems.to_string(),
        );
        line("plugins.sensors_off", list(&self.plugins.sensors_off));
        line("plugins.units", list(&self.plugins.units));
        out
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".into();
    }
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
